"""Connections of HTTP to an application that only records and waits, in an event loop of this process's own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Self

import uvicorn
import uvloop
from uvicorn.server import ServerState

from tokens.protocol.http import Answer, Request
from tokens.serving.asgi_messages import Message, Receive, Send, respond
from tokens.serving.http_connection import HttpConnection
from tokens.serving.standard_connection import StandardConnection

LARGE = 8 * 1024 * 1024  # bytes; more than the system's buffers take of it
POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
PATIENCE = 5.0  # seconds; what must happen happens long before, on a busy machine too


class Quick(HttpConnection):
    """Loses patience within a test's time."""

    arrival_timeout = 0.5
    idle_timeout = 0.8
    linger_timeout = 0.3
    check_interval = 0.05


class QuickStandard(StandardConnection):
    arrival_timeout = 0.5
    idle_timeout = 0.8
    linger_timeout = 0.3
    check_interval = 0.05


class Recorder:
    """The application, for both kinds of connections. Each answer says what was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.gate = asyncio.Event()

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    async def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.path == "/broken":
            raise RuntimeError("told to nobody but the log")
        if request.path == "/slow":
            await self.gate.wait()
        text = b"x" * LARGE if request.path == "/large" else f"{request.method} {request.path}".encode()
        return Answer(200, b"content-length: %d\r\n" % len(text), text)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await respond(self.answer, scope, receive, send)


class Received(NamedTuple):
    status: int
    fields: dict[str, str]  # names in lower case
    body: bytes


class Link:
    """A client's end of a connection."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def sends_no_more(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def trickle(self, data: bytes, *, every: float = 0.02) -> None:
        """A byte at a time, until all is sent or the server has hung up."""
        with suppress(ConnectionError):
            for offset in range(len(data)):
                self.send(data[offset : offset + 1])
                time.sleep(every)

    def head(self) -> tuple[int, dict[str, str]]:
        self._receive_until(lambda: b"\r\n\r\n" in self._received)
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1.1 ")
        fields = (line.partition(": ") for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value for name, _, value in fields}

    def answer(self, method: str = "GET") -> Received:
        """The next one; `method` tells whether it has a body."""
        status, fields = self.head()
        size = 0 if method == "HEAD" else int(fields["content-length"])
        self._receive_until(lambda: len(self._received) >= size)
        body, self._received = self._received[:size], self._received[size:]
        return Received(status, fields, body)

    def rest(self) -> bytes:
        """Return all further input, until the server hangs up."""
        with suppress(ConnectionResetError):
            while part := self._socket.recv(65_536):
                self._received += part
        return self._received

    def _receive_until(self, is_enough: Callable[[], bool]) -> None:
        while not is_enough():
            part = self._socket.recv(1024 * 1024)
            assert part, f"the connection ended after {self._received[:500]!r}"
            self._received += part


class Connected:
    """A server for connections of one class, without uvicorn around it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, application: Recorder, state: ServerState) -> None:
        self.loop, self.port, self.application, self.state = loop, port, application, state

    def link(self, receive_buffer: int = 0) -> Link:
        return Link(self.port, receive_buffer)

    def open_gate(self) -> None:
        """Lets all that ask for /slow have their answers."""
        self.loop.call_soon_threadsafe(self.application.gate.set)

    def shut_down(self) -> None:
        """As uvicorn does when it was asked to end."""
        for connection in list(self.state.connections):
            self.loop.call_soon_threadsafe(connection.shutdown)

    def has_asked(self, *expected: str) -> bool:
        return eventually(lambda: self.application.asked == list(expected))


def get(path: str, *fields: str, method: str = "GET", version: str = "1.1") -> bytes:
    """A request without a body, its fields as the lines that they are."""
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *fields, "", ""]).encode("latin-1")


def eventually(is_so: Callable[[], bool], *, seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()


@contextmanager
def connected(protocol: type[HttpConnection | StandardConnection] = HttpConnection) -> Iterator[Connected]:
    application, state, loop = Recorder(), ServerState(), uvloop.new_event_loop()
    config = uvicorn.Config(application, log_config=None, ws="none", proxy_headers=False, interface="asgi3")  # type: ignore[arg-type]  # messages
    config.load()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = loop.create_server(lambda: protocol(config, server_state=state, app_state={}), "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(PATIENCE)
    try:
        yield Connected(loop, server.sockets[0].getsockname()[1], application, state)
    finally:
        asyncio.run_coroutine_threadsafe(_end(server, application, state), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server, application: Recorder, state: ServerState) -> None:
    application.gate.set()
    server.close()
    for connection in list(state.connections):
        (connection.transport if isinstance(connection, StandardConnection) else connection._transport).abort()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        await task
