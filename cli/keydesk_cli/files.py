"""Files that survive a crash: written with their final rights, synced, and put in place by one rename."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keydesk_cli.errors import Busy, Misused

MODE = 0o600
POLL_S = 0.1


def write_private(path: Path, data: bytes, *, owner: Path | None = None) -> None:
    """Put a file in place that only its owner can read; as root with the owner of the file `owner`, if it is there."""
    unfinished = path.with_name(path.name + ".tmp")
    with _told(path):
        unfinished.unlink(missing_ok=True)  # of a run that was killed: only the holder of the lock comes here
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, MODE)
            if owner is not None and owner.exists() and os.geteuid() == 0:
                status = owner.stat()
                os.fchown(descriptor, status.st_uid, status.st_gid)
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        os.replace(unfinished, path)
        _sync_directory(path.parent)


def move(source: Path, target: Path) -> None:
    """Put a file in the place of another, for good."""
    with _told(target):
        os.replace(source, target)
        _sync_directory(target.parent)


def remove(path: Path) -> None:
    with _told(path):
        path.unlink(missing_ok=True)
        _sync_directory(path.parent)


@contextmanager
def locked(path: Path, *, wait: float) -> Iterator[bool]:
    """Hold the lock, and tell whether another run had it first. The file stays; a killed run leaves it unlocked.

    Raises Busy after `wait` seconds.
    """
    with _told(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    try:
        yield _lock(descriptor, path, time.monotonic() + wait)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, until: float) -> bool:
    contended = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return contended
        except BlockingIOError:
            contended = True
        if time.monotonic() >= until:
            raise Busy("locked", f"Another run holds {path}.", lock=str(path)) from None
        time.sleep(POLL_S)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}."
        raise Misused("file_unwritable", message, path=str(path)) from None
