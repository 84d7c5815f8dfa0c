"""A connection of HTTP/1.1 by uvicorn's own protocol, which serves any ASGI application, with bounds of size and time.

Pages are served by it, and so is the authorization server with `--http standard`. uvicorn bounds neither the head of a
request nor the time that it takes to arrive. What is bounded here of a body is what surrounds its content; who reads
the body bounds the rest (tokens/serving/asgi_messages.py).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tokens.serving.http_rules import MAX_FIELDS, MAX_HEAD_BYTES, UnreadableRequest


class StandardConnection(HttpToolsProtocol):
    """The class for uvicorn's option `http`."""

    longest_arrival = 30.0  # seconds for the head of a request, and for the first one to begin
    longest_idle = 75.0  # seconds; longer than the proxies before us, so that it is they who hang up
    longest_farewell = 2.0  # seconds for the client to read that its request was refused
    check_every = 5.0  # seconds

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._is_deaf = self._is_oversized = self._has_content = False
        self._fields = self._fields_size = self._pending = 0
        self._deadline = self.loop.time() + self.longest_arrival

    # --- For the event loop -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._check_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._checking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        self._has_content = False
        super().data_received(data)
        # The parser keeps a field until it has ended, and tells of no part of it.
        self._pending = 0 if self._has_content else self._pending + len(data)
        if self._pending > MAX_HEAD_BYTES and not self._is_deaf:
            self._is_oversized = True
            self.send_400_response("")

    # --- For the parser -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._fields = self._fields_size = 0
        self._deadline = self.loop.time() + self.longest_arrival

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._bound(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._bound(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._has_content = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._has_content = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_content = True
        super().on_message_complete()

    # --- For uvicorn --------------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        self._deadline = self.loop.time() + self.longest_idle
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser or a bound refused. The client may read the answer before it is told of a reset."""
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if self._is_oversized else HTTPStatus.BAD_REQUEST
        self._is_deaf = True
        self._deadline = self.loop.time() + self.longest_farewell
        if self._is_answering():
            if self.cycle.response_started or not self.cycle.more_body or self.pipeline:
                self.transport.close()  # a refusal would be taken for the answer to an earlier request
                return
            self.cycle.disconnected = True  # its own body is what was refused
            self.cycle.message_event.set()
        text = status.description.encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + text)
        self.transport.write_eof()

    # --- Bounds -------------------------------------------------------------------------------------------------------

    def _bound(self, size: int) -> None:
        self._fields_size += size
        if self._fields > MAX_FIELDS or self._fields_size > MAX_HEAD_BYTES:
            self._is_oversized = True
            raise UnreadableRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _check_deadline(self) -> None:
        # While a request is answered, the application bounds the time.
        is_bounded = self._is_deaf or self.transport.is_closing() or not self._is_answering()
        if is_bounded and self.loop.time() >= self._deadline:
            self.transport.abort()
        self._checking = self.loop.call_later(self.check_every, self._check_deadline)
