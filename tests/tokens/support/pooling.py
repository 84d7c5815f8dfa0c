"""Poolers in front of the test database: PgBouncer, where it is installed, and a small one that works like it."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dev.servers import sockets
from dev.servers.processes import start, wait_until
from dev.servers.sockets import free_port
from tokens.policy import from_settings

CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
pidfile = {directory}/pgbouncer.pid
"""
SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
NO_SUCH_KEY = b"K" + struct.pack("!III", 12, 4_000_000_000, 1)  # the number of a process that there is not


def pgbouncer_program() -> str | None:
    return shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")


@contextmanager
def pgbouncer(mode: str, size: int = 20) -> Iterator[dict[str, Any]]:
    """How psycopg reaches the test database through it."""
    directory, port, database = sockets.temporary_directory("pgbouncer"), free_port(), from_settings().database
    where = {"port": 5432, **database, "listen_port": port, "directory": directory}
    (directory / "pgbouncer.ini").write_text(CONFIGURATION.format(**where, mode=mode, size=size))
    command = [str(pgbouncer_program()), "--quiet", str(directory / "pgbouncer.ini")]
    if os.geteuid() == 0:  # it refuses to be root, and as somebody else it could not enter the socket's directory
        command = ["unshare", "--user", "--", *command]
    process = start("pgbouncer", command, env=os.environ, log=directory / "pgbouncer.log", cwd=directory)
    try:
        wait_until(lambda: _listens(port), process, seconds=10)
        yield {**database, "host": "127.0.0.1", "port": port}
    finally:
        process.stop()
        shutil.rmtree(directory)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


# --- One of our own, for any machine ----------------------------------------------------------------------------------


class Pooler:
    """Gives each transaction a connection that is free, the last one that became free first, as PgBouncer does.

    `by_session`: a client keeps its first one. Only for what refuse_unsafe asks.
    """

    def __init__(self, *, by_session: bool) -> None:
        self._by_session = by_session
        database = from_settings().database
        self._server = f"{database['host']}/.s.PGSQL.{database.get('port', 5432)}"
        self._idle: list[socket.socket] = []
        self._all: list[socket.socket] = []
        self._entrance = socket.create_server(("127.0.0.1", 0))
        self.parameters = {**database, "host": "127.0.0.1", "port": self._entrance.getsockname()[1]}
        threading.Thread(target=self._let_in, daemon=True).start()

    def close(self) -> None:
        for link in (self._entrance, *self._all):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def _let_in(self) -> None:
        with suppress(OSError):
            while True:
                client = self._entrance.accept()[0]
                self._all.append(client)
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError):
            startup = self._startup_of(client)
            server, greeting = self._open(startup)
            self._idle.append(server)
            client.sendall(b"".join(part for part in greeting if part[:1] != b"K") + NO_SUCH_KEY + b"Z\0\0\0\5I")
            mine: socket.socket | None = None
            while True:
                asked = self._question_of(client)
                if mine is None:
                    mine = self._idle.pop() if self._idle else self._open(startup)[0]
                mine.sendall(asked)
                answer = _until_ready(mine)
                if answer[-1][-1:] == b"I" and not self._by_session:
                    self._idle.append(mine)
                    mine = None
                client.sendall(b"".join(answer))

    def _startup_of(self, client: socket.socket) -> bytes:
        while True:
            head = _exactly(client, 8)
            length, code = struct.unpack("!II", head)
            if code not in (SSL_REQUEST, GSS_REQUEST):
                return head + _exactly(client, length - 8)
            client.sendall(b"N")

    def _question_of(self, client: socket.socket) -> bytes:
        """Messages up to a query, or to the end of an extended one."""
        asked = b""
        while True:
            message = _message(client)
            if message[:1] == b"X":
                raise EOFError
            asked += message
            if message[:1] in b"QS":
                return asked

    def _open(self, startup: bytes) -> tuple[socket.socket, list[bytes]]:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        self._all.append(server)
        server.sendall(startup)
        return server, _until_ready(server)[:-1]


def _until_ready(server: socket.socket) -> list[bytes]:
    messages = [_message(server)]
    while messages[-1][:1] != b"Z":
        messages.append(_message(server))
    return messages


def _message(link: socket.socket) -> bytes:
    head = _exactly(link, 5)
    return head + _exactly(link, struct.unpack("!I", head[1:])[0] - 4)


def _exactly(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


@contextmanager
def pooler(*, by_session: bool) -> Iterator[dict[str, Any]]:
    made = Pooler(by_session=by_session)
    try:
        yield made.parameters
    finally:
        made.close()
