"""Where unix sockets can live: their paths must be short and their directory closed to others."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

# sun_path holds 108 bytes on Linux and 104 elsewhere, a NUL among them; the longest name in the directory is 20 long.
LONGEST_DIRECTORY = 80


class UnsafeDirectory(Exception):
    """The directory exists and belongs to somebody else, or others may enter it."""


def beside(local: Path) -> Path:
    """A 0700 directory for sockets: `local`/run, or, if that is too long, one in /tmp named after `local`."""
    directory = local / "run"
    if len(os.fsencode(directory)) > LONGEST_DIRECTORY:
        name = hashlib.sha256(os.fsencode(local)).hexdigest()[:16]
        directory = Path("/tmp") / f"keydesk-{os.getuid()}-{name}"  # noqa: S108  (checked below)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise UnsafeDirectory(f"{directory} must be a directory of yours that nobody else can enter.")
    return directory


def throw_away(name: str) -> Path:
    """A new 0700 directory, short enough wherever TMPDIR points."""
    usual = Path(tempfile.gettempdir())
    parent = usual if len(os.fsencode(usual)) < LONGEST_DIRECTORY // 2 else Path("/tmp")  # noqa: S108
    return Path(tempfile.mkdtemp(prefix=f"keydesk-{name}-", dir=parent))
