"""Old and new version side by side under load: from before the last commit that changed the schema to this one."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import time
from io import BytesIO
from pathlib import Path

from dev.ha.faults import Fault, Mend
from dev.ha.machines.cluster import APPS, Cluster
from dev.ha.machines.keydesk import PARTS, PORTS, Keydesk
from dev.servers.processes import UnableToStart
from dev.servers.stack import ROOT

BESIDE_S = 15.0  # the old version on one machine, the new one on the other
MIGRATIONS = "*/migrations/[0-9]*.py"


def unpack_previous(directory: Path) -> str:
    """Unpack the version of before the last change of the schema; return the names of the migrations since."""
    changed = _git("log", "-1", "--format=%H", "--", MIGRATIONS).decode().strip()
    if not changed:
        raise UnableToStart("No commit here has a migration: this needs the history of the repository.")
    with tarfile.open(fileobj=BytesIO(_git("archive", f"{changed}^"))) as archive:
        archive.extractall(directory, filter="data")
    names = _git("diff", "--name-only", "--diff-filter=A", f"{changed}^", "HEAD", "--", MIGRATIONS).decode().split()
    return ", ".join(f"{Path(name).parts[0]}.{Path(name).stem}" for name in names)


def roll(cluster: Cluster, keydesk: Keydesk) -> Mend:
    """Migrate with the new version while the old one serves, then replace one machine after the other."""
    keydesk.directory = ROOT
    keydesk.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"])
    time.sleep(BESIDE_S)  # the old version alone, on the new schema
    for host in APPS:
        for name in PARTS:
            cluster.running.pop((host, name)).stop()
            keydesk.start(host, name)
        for name in PORTS:
            keydesk.wait_ready(name, hosts=(host,))
        time.sleep(BESIDE_S)
    return lambda: None


ROLL = Fault("upgrade", "previous version replaced under load", roll, 0, 0, 0)


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    if done.returncode != 0:
        raise UnableToStart(f"git {arguments[0]}: {done.stderr.decode().strip()}")
    return done.stdout
