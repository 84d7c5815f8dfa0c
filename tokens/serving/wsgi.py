"""The authorization server in a process of threads, where one process serves pages and tokens."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401  (ends every executor by a hook: the hook made after it runs before it)
import threading
from collections.abc import Coroutine, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse

from tokens.protocol.http import READ_HEADERS, Request
from tokens.protocol.parameters import LARGEST_BODY
from tokens.serving.application import Application
from tokens.serving.operations import Operations

_VARIABLES = [(name, name.upper().replace("-", "_")) for name in READ_HEADERS]
_READ = {variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}": name for name, variable in _VARIABLES}


class WithinThreads:
    """`within(environ, start_response)`: the application runs in an event loop, which has a thread of its own."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._operations: Operations | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tokens", daemon=True)
        self._thread.start()
        # With `atexit` it came too late: by then no executor takes work any more, and host names are looked up by one.
        threading._register_atexit(self.close)  # type: ignore[attr-defined]  # private

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body = self.run(self.application.answer(_request(environ)))
        texts = [(name.decode(), value.decode()) for name, value in headers]
        start_response(f"{status} {HTTPStatus(status).phrase}", texts)
        return [body]

    def run[Result](self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Its result, once the event loop has come to it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def listen(self, operations: Operations, host: str, port: int) -> None:
        """Answer health and metrics there, in this event loop. Raises PortInUse."""
        self.run(operations.listen(host, port))
        self._loop.call_soon_threadsafe(self.application.server.background.ensure_started)
        self._operations = operations

    def close(self) -> None:
        """Writes what is still to be written and lets go of the database. Once: the second time it does nothing."""
        if self._loop.is_closed():
            return
        if self._operations is not None:
            self._loop.call_soon_threadsafe(self._operations.close)
        self.run(self.application.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _request(environ: dict[str, Any]) -> Request:
    has_body = environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        headers={name: environ[variable] for variable, name in _READ.items() if variable in environ},
        peer=environ.get("REMOTE_ADDR", ""),
        body=environ["wsgi.input"].read(LARGEST_BODY + 1) if has_body else b"",
    )
