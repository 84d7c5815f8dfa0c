"""Directories for unix sockets, whose paths must be short and closed to other users, and free ports."""

import hashlib
import os
import random
import re
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

# sun_path holds 108 bytes on Linux and 104 elsewhere, a NUL among them; the longest name in the directory is 20 long.
MAX_DIRECTORY_BYTES = 80
# Characters that need no quoting in any of the URLs (DATABASE_URL, CELERY_BROKER_URL, CACHE_URL).
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
# Below the ports that Linux, macOS and BSD give to outgoing connections, one of which could take it in between.
PORTS = range(20_000, 32_000)


class UnsafeDirectory(Exception):
    """The directory exists and belongs to another user, or is open to others."""


def directory_for(local: Path) -> Path:
    """Make a 0700 directory for sockets: `local`/run, or, if that is unsuitable, one in /tmp named after `local`."""
    directory = local / "run"
    if not _is_suitable(directory):
        name = hashlib.sha256(os.fsencode(local)).hexdigest()[:16]
        directory = Path("/tmp") / f"keydesk-{os.getuid()}-{name}"  # noqa: S108  (checked below)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise UnsafeDirectory(
            f"{directory} must be a directory of yours that nobody else can enter. Put it right with:"
            f" chmod 700 {directory}  (or remove it)"
        )
    return directory


def temporary_directory(name: str) -> Path:
    """Make a new 0700 directory with a short, plain path, wherever TMPDIR points."""
    usual = Path(tempfile.gettempdir())
    parent = usual if _is_suitable(usual / f"keydesk-{name}-12345678") else Path("/tmp")  # noqa: S108  (mkdtemp makes the folder)
    return Path(tempfile.mkdtemp(prefix=f"keydesk-{name}-", dir=parent))


def free_port() -> int:
    """Return a TCP port of loopback that nothing listens on, for a server that is about to start."""
    for port in random.SystemRandom().sample(PORTS, k=100):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port in {PORTS}")


def _is_suitable(directory: Path) -> bool:
    return len(os.fsencode(directory)) <= MAX_DIRECTORY_BYTES and PLAIN.fullmatch(str(directory)) is not None
