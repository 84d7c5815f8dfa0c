"""uvicorn's HTTP/1.1, with the bounds that it leaves to its user: how large a request's head is and how long it takes.

A proxy in front usually has such bounds too; nobody should have to count on it.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 128 * 1024  # bytes: some 64 KiB for the target and for each of the fields that may be long
MOST_FIELDS = 100
LONGEST_ARRIVAL = 30.0  # seconds for a whole request, its body too, and for the first one to begin

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """A connection. Closes itself when a request is too large to begin with, or does not arrive in time."""

    _in_head = _in_request = False
    _head_size = 0
    _arrival: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_request:
            self._forget_deadline()
            return
        if self._arrival is None:
            self._expect_request()
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > LARGEST_HEAD:
                self._refuse()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head = self._in_request = True
        self._head_size = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.headers) > MOST_FIELDS:
            self._refuse()
            raise ValueError("too many fields")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_request = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _expect_request(self) -> None:
        self._arrival = self.loop.call_later(LONGEST_ARRIVAL, self.transport.close)

    def _forget_deadline(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _refuse(self) -> None:
        self.transport.write(_TOO_LARGE)
        self.transport.close()
