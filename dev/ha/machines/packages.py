"""Programs of other projects, from Debian packages that are unpacked into .local/debian and not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dev.servers.processes import UnableToStart
from dev.servers.stack import ROOT

UNPACKED = ROOT / ".local" / "debian"
PYTHON = "/usr/bin/python3"  # Debian's, for which python3-psycopg2 is built
POSTGRES = [
    "postgresql-17", "postgresql-client-17", "libpq5", "libicu76", "libxml2", "libxslt1.1", "libldap2", "liburing2",
]  # fmt: skip
PATRONI = [
    "patroni", "python3-certifi", "python3-charset-normalizer", "python3-chardet", "python3-click", "python3-dateutil",
    "python3-dnspython", "python3-etcd",
    "python3-idna", "python3-prettytable", "python3-psutil", "python3-psycopg2", "python3-requests", "python3-six",
    "python3-urllib3", "python3-wcwidth", "python3-yaml", "python3-ydiff",
]  # fmt: skip
PROGRAMS = {
    "patroni": PATRONI,
    "postgres": POSTGRES,
    "etcd": ["etcd-server"],
    "haproxy": ["haproxy", "liblua5.4-0", "libopentracing-c-wrapper0t64", "libopentracing1"],
    "pgbackrest": ["pgbackrest", "libssh2-1t64", "libbz2-1.0", "liblz4-1"],
    "valkey-server": ["valkey-server", "valkey-tools", "liblzf1", "libatomic1"],
}


@dataclass(frozen=True)
class Programs:
    """`paths`: by name; `environment`: what they need to find their libraries and each other."""

    paths: dict[str, str]
    environment: dict[str, str]

    @property
    def patroni(self) -> list[str]:
        return [PYTHON, self.paths["patroni"]]

    @property
    def postgres_directory(self) -> str:
        return str(Path(self.paths["postgres"]).parent)


def fetch() -> Programs:
    """Find or unpack every program. Raises UnableToStart, which names what is missing."""
    if not Path(PYTHON).exists():
        raise UnableToStart(f"Patroni needs Debian's Python: {PYTHON} is missing (apt-get install python3).")
    for command in ("unshare", "nsenter", "ip", "mount"):
        if shutil.which(command) is None:
            raise UnableToStart(f"{command} is missing (Debian: apt-get install util-linux iproute2 mount).")
    # Not any PostgreSQL that is on PATH: pgBackRest and the template are for this version.
    places = {name: name for name in PROGRAMS} | {"postgres": "lib/postgresql/17/bin/postgres"}
    paths = {name: _path(places[name], packages) for name, packages in PROGRAMS.items()}
    libraries = [str(path) for path in sorted((UNPACKED / "usr" / "lib").glob("*-linux-*"))]
    return Programs(
        paths,
        {
            "PATH": os.pathsep.join(
                [*dict.fromkeys(str(Path(path).parent) for path in paths.values()), os.environ["PATH"]]
            ),
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
            "PYTHONPATH": str(UNPACKED / "usr" / "lib" / "python3" / "dist-packages"),
            "LC_ALL": "C.UTF-8",
        },
    )


def _path(name: str, packages: list[str]) -> str:
    done = subprocess.run([str(ROOT / ".ci" / "deb"), name, *packages], capture_output=True, text=True)
    if done.returncode != 0:
        raise UnableToStart(f"{name} is missing:\n{done.stderr[-1500:]}")
    return done.stdout.strip()
