"""Pages in threads, called from an event loop: a WSGI application as an ASGI one.

No client holds a thread by being slow: a body is read before a thread is taken, and an answer of up to MAX_PIECE_BYTES
is handed over whole. Only the client of a longer answer is waited for, MAX_TAKING_S for each piece.

A bridge of our own because a2wsgi gives a thread to each body that trickles in, asgiref has one thread for all, and
Django's own handler opens a database connection for each HTTP request (docs/decisions/0012).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

from tokens.serving.asgi_messages import Disconnected, Message, Receive, Send, closing, read_body, send_answer

MAX_BODY_BYTES = 1024 * 1024  # twice Django's own limit, so Django still refuses a body that was cut here
MAX_BODIES_BYTES = 64 * MAX_BODY_BYTES  # of all bodies being read or waiting for a thread
MAX_PIECE_BYTES = 256 * 1024
MAX_TAKING_S = 30.0  # for a client to take a piece

type Environment = dict[str, Any]


class Start(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]


class Pages:
    """`await pages(scope, receive, send)`. A thread keeps its database connection from page to page.

    `under_way`: pages that have a thread or wait for one.
    """

    def __init__(self, pages: WSGIApplication, *, threads: int) -> None:
        self._pages = pages
        self.threads, self.under_way = threads, 0
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pages")
        self._bodies_size = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send, **more: Any) -> None:
        """Answer an HTTP request. `more` is added to the WSGI environment."""
        size = _reserved(scope)
        if self._bodies_size + size > MAX_BODIES_BYTES:
            await send_answer(send, closing(HTTPStatus.SERVICE_UNAVAILABLE))
            return
        self._bodies_size += size
        try:
            body = await read_body(receive, limit=MAX_BODY_BYTES)
            await self._answer(environment(scope, body) | more, receive, send)
        except Disconnected:
            return
        except TimeoutError:
            await send_answer(send, closing(HTTPStatus.REQUEST_TIMEOUT))
        finally:
            self._bodies_size -= size

    async def _answer(self, environ: Environment, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        pieces = Pieces(loop, receive, send)
        self.under_way += 1
        try:
            start, rest = await loop.run_in_executor(self._threads, self._run, environ, pieces)
        finally:
            self.under_way -= 1
            pieces.is_over = True  # also when this task was cancelled, so that the thread ends
        if not pieces.is_begun:
            await send({"type": "http.response.start", "status": start.status, "headers": start.headers})
        await send({"type": "http.response.body", "body": rest})

    def _run(self, environ: Environment, pieces: Pieces) -> tuple[Start, bytes]:
        """Run the page in a thread, and return what is still to be sent. Raises Disconnected."""
        started: list[Start] = []
        found: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _error: Any = None
        ) -> Callable[[bytes], object]:
            texts = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            started[:] = [Start(int(status[:3]), texts)]
            return found.append

        content: Iterable[bytes] = self._pages(environ, start_response)
        try:
            size = 0
            for piece in content:
                if size >= MAX_PIECE_BYTES:
                    pieces.send(started[0], b"".join(found))
                    found.clear()
                    size = 0
                found.append(piece)
                size += len(piece)
            return started[0], b"".join(found)
        finally:
            if close := getattr(content, "close", None):
                close()


class Pieces:
    """The pieces of one long answer, handed from its thread to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive, send: Send) -> None:
        self._loop, self._receive, self._send = loop, receive, send
        self._gone: asyncio.Future[Message] | None = None
        self.is_begun = self.is_over = False

    def send(self, start: Start, piece: bytes) -> None:
        """Wait, in a thread, until the client can take more. Raises Disconnected, also when MAX_TAKING_S is over."""
        if self.is_over:
            raise Disconnected
        try:
            asyncio.run_coroutine_threadsafe(self._hand_on(start, piece), self._loop).result(MAX_TAKING_S)
        except (TimeoutError, CancelledError) as error:  # the latter when the event loop ends
            raise Disconnected from error

    async def _hand_on(self, start: Start, piece: bytes) -> None:
        if self._gone is None:  # the body was read, so the next message is http.disconnect
            self._gone = asyncio.ensure_future(self._receive())
        if not self.is_begun:
            self.is_begun = True
            await self._send({"type": "http.response.start", "status": start.status, "headers": start.headers})
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        if self._gone.done() and self._gone.result()["type"] == "http.disconnect":
            raise Disconnected


def environment(scope: Message, body: bytes) -> Environment:
    """Return the WSGI environment (PEP 3333). Drops names like X_Forwarded_For, which pass for X-Forwarded-For."""
    client, (server, port) = scope.get("client"), scope.get("server") or ("", None)
    environ: Environment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or ""),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, value in scope["headers"]:
        if b"_" not in raw_name:
            _add(environ, raw_name.decode("latin-1"), value.decode("latin-1"))
    environ.setdefault("CONTENT_LENGTH", str(len(body)) if body else "")
    return environ


def _add(environ: Environment, header: str, value: str) -> None:
    name = header.upper().replace("-", "_")
    name = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    separator = "; " if name == "HTTP_COOKIE" else ","
    environ[name] = f"{environ[name]}{separator}{value}" if name in environ else value


def _reserved(scope: Message) -> int:
    """Return how many bytes of memory the body may take; 0 without a body."""
    fields = dict(scope["headers"])
    if b"transfer-encoding" in fields:
        return MAX_BODY_BYTES
    return min(int(fields.get(b"content-length") or 0), MAX_BODY_BYTES)  # digits: the parser refuses anything else
