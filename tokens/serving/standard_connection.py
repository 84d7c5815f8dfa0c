"""HTTP/1.1 connection by uvicorn's own protocol, for any ASGI application, with bounds of size and time.

It serves pages, and the authorization server with `--http standard`. uvicorn bounds neither the head of an HTTP request
nor the time it takes to arrive. Of a body, only the bytes around its content are bounded here; the reader of the body
bounds the content (tokens/serving/asgi_messages.py).
"""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tokens.serving.http_rules import MAX_FIELDS, MAX_HEAD_BYTES, UnreadableRequest


class StandardConnection(HttpToolsProtocol):
    """uvicorn's httptools protocol with bounds, for its option `http`."""

    arrival_timeout = 30.0  # seconds for the head of an HTTP request, and for the first one to begin
    idle_timeout = 75.0  # seconds; longer than that of proxies, so that they close idle connections first
    linger_timeout = 2.0  # seconds for the client to read a refusal before the connection is closed
    check_interval = 5.0  # seconds

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._input_closed = self._is_oversized = self._has_content = False
        self._asks_for_upgrade = self._is_in_replay = False
        self._data = b""  # the latest chunk of input
        self._fields = self._fields_size = self._pending = 0
        self._deadline = self.loop.time() + self.arrival_timeout

    # --- For the event loop -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._check_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._checking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._input_closed:
            return
        self._has_content, self._data = False, data
        super().data_received(data)
        # The parser buffers an unfinished field without calling back, so count its bytes here.
        self._pending = 0 if self._has_content else self._pending + len(data)
        if self._pending > MAX_HEAD_BYTES and not self._input_closed:
            self._is_oversized = True
            self.send_400_response("")

    # --- For the parser -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._is_in_replay:
            return
        super().on_message_begin()
        self._fields = self._fields_size = 0
        self._deadline = self.loop.time() + self.arrival_timeout

    def on_url(self, url: bytes) -> None:
        if self._is_in_replay:
            return
        super().on_url(url)
        self._bound(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_replay:
            return
        self._fields += 1
        self._bound(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._has_content = True
        if self._is_in_replay:
            return
        self._asks_for_upgrade = self.parser.should_upgrade()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._has_content = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_content = True
        if not self._asks_for_upgrade:  # else its body follows, which the parser leaves to the other protocol
            super().on_message_complete()

    # --- For uvicorn --------------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        self._deadline = self.loop.time() + self.idle_timeout
        super().on_response_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer an HTTP request for another protocol as if it were none (RFC 9110 section 7.8), with its body.

        Java's client asks for HTTP/2 so. uvicorn calls this while it handles the parser's HttpParserUpgrade, and would
        lose the body: a new parser, in the state after the same head, reads on.
        """
        upgrade = sys.exception()
        rest = self._data[upgrade.args[0] :] if isinstance(upgrade, httptools.HttpParserUpgrade) else b""
        self._asks_for_upgrade = False
        self.parser = httptools.HttpRequestParser(self)
        framing = [field for field in self.headers if field[0] in (b"content-length", b"transfer-encoding")]
        lines = b"".join(b"%b: %b\r\n" % field for field in framing)
        self._is_in_replay = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\nhost: replay\r\n%b\r\n" % lines)
        self._is_in_replay = False
        if rest:
            self.data_received(rest)

    def send_400_response(self, msg: str) -> None:
        """Refuse malformed or oversized input, then half-close: the client can read the answer before a reset."""
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if self._is_oversized else HTTPStatus.BAD_REQUEST
        self._input_closed = True
        self._deadline = self.loop.time() + self.linger_timeout
        if self._is_answering():
            if self.cycle.response_started or not self.cycle.more_body or self.pipeline:
                self.transport.close()  # the client would take a refusal for the answer to an earlier HTTP request
                return
            self.cycle.disconnected = True  # the refused input is the body of the HTTP request under way
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
        # While an HTTP request is answered, the application bounds the time.
        is_bounded = self._input_closed or self.transport.is_closing() or not self._is_answering()
        if is_bounded and self.loop.time() >= self._deadline:
            self.transport.abort()
        self._checking = self.loop.call_later(self.check_interval, self._check_deadline)
