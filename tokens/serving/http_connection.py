"""HTTP/1.1 connection (RFC 9112): parses HTTP requests, calls the application, writes its answers in order.

llhttp, as httptools wraps it, parses strictly. The class around it is a protocol for uvicorn, whose own protocol serves
any ASGI application: its events for each part of an HTTP exchange took as much CPU as issuing a token. Bounded in size
and in time, so that no proxy in front is required.

Written here because a token takes 32 us of CPU by it, and 47 to 52 us by uvicorn's protocol with ASGI
(docs/decisions/0005). `--http standard` replaces it by uvicorn's own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any

import httptools
import structlog
import uvicorn
from uvicorn.server import ServerState

from tokens.protocol.http import Answer, Request, plain
from tokens.protocol.parameters import MAX_BODY_BYTES
from tokens.serving import http_rules
from tokens.serving.http_rules import MAX_FIELDS, MAX_HEAD_BYTES, READ_FIELDS, STATUS_LINES, known_lines

MAX_WAITING = 200  # HTTP requests of a connection without an answer yet; clients that pipeline send a few

log = structlog.get_logger(__name__)


class HttpConnection(asyncio.Protocol):
    """uvicorn protocol that calls `await application.answer(request)` of the application that uvicorn has loaded."""

    arrival_timeout = 30.0  # seconds for a whole HTTP request with its body, and for the first one to begin
    idle_timeout = 75.0  # seconds; longer than that of proxies, so that they close idle connections first
    linger_timeout = 2.0  # seconds for the client to read a refusal before the connection is closed
    check_interval = 5.0  # seconds

    def __init__(self, config: uvicorn.Config, server_state: ServerState, **_of_no_use: Any) -> None:
        self._application, self._server_state = config.loaded_app, server_state
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request | Answer, bool]] = deque()  # True: the connection may be kept after it
        self._task: asyncio.Task[None] | None = None
        self._in_head = self._in_fields = self._in_request = False
        self._write_paused = self._input_closed = self._is_ending = self._is_half_closed = self._is_chunked = False
        self._fields_size: int | None = None
        # The latest chunk of input, how far its request lines were read, and earlier chunks of an unfinished head.
        self._piece, self._piece_read, self._earlier = b"", 0, b""
        self._deadline = self._loop.time() + self.arrival_timeout

    # --- For uvicorn and its event loop -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's transport is an asyncio.Transport
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        self._server_state.connections.add(self)  # type: ignore[arg-type]  # typed as uvicorn's own classes
        self._check_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        self._checking.cancel()

    def shutdown(self) -> None:
        """End the connection after the current answer."""
        self._is_ending = True
        if self._task is None:
            self._end()

    def pause_writing(self) -> None:
        self._write_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._waiting and self._task is None:
            self._task = self._loop.create_task(self._respond())
        else:
            self._read_on()

    def eof_received(self) -> bool:
        """Keep the transport if answers are pending: the client may still read them (RFC 9112 section 9.6)."""
        self._is_half_closed = True
        return self._task is not None or bool(self._waiting)

    def data_received(self, data: bytes) -> None:
        if self._input_closed:
            return
        self._piece, self._piece_read = data, 0
        content = self._content_size if self._is_chunked else None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.status if isinstance(cause, http_rules.UnreadableRequest) else HTTPStatus.BAD_REQUEST)
        if self._in_head:
            self._earlier += data[self._piece_read :]
        self._piece = b""
        if self._in_fields and not self._input_closed:
            self._bound_fields(len(data))
        if self._is_chunked and content is not None:
            self._bound_chunking(len(data) - (self._content_size - content))

    # --- For the parser -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise http_rules.UnreadableRequest(HTTPStatus.TOO_MANY_REQUESTS)
        self._in_head = self._in_fields = self._in_request = True
        self._fields, self._fields_size = 0, None
        self._earlier, self._is_chunked = b"", False
        self._url, self._body_size = b"", 0
        self._body: list[bytes] = []
        self._headers: dict[str, str] = {}
        self._deadline = self._loop.time() + self.arrival_timeout

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, raw_name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise http_rules.UnreadableRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        name = READ_FIELDS.get(raw_name.lower())
        if name is not None and self._in_head:  # RFC 9110 section 6.5.1: trailers are ignored
            text = value.decode("latin-1")
            self._headers[name] = f"{self._headers[name]}, {text}" if name in self._headers else text

    def on_headers_complete(self) -> None:
        self._in_head = self._in_fields = False
        headers = self._headers
        self._version = self._parser.get_http_version()
        named = (self._parser.get_method(), self._url, self._version)
        self._line = line = known_lines.get(named) or http_rules.request_line(*named)
        head = self._earlier + self._piece if self._earlier else self._piece
        found = head.find(line.text, self._piece_read)
        if found < 0 or len(head) > MAX_HEAD_BYTES:
            http_rules.check_head(head, found)
        self._piece_read = max(0, found + len(line.text) - len(self._earlier))
        if not http_rules.is_host(headers.get("host", " ")) and ("host" in headers or self._version == "1.1"):
            raise http_rules.UnreadableRequest(HTTPStatus.BAD_REQUEST)  # RFC 9112 section 3.2
        if "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked":
                # RFC 9112 section 6.1: another coding, such as gzip, before chunked.
                raise http_rules.UnreadableRequest(HTTPStatus.BAD_REQUEST)
            self._is_chunked, self._content_size, self._chunking_size = True, 0, 0
        if "expect" in headers and self._task is None:
            self._send_100_continue()

    def on_chunk_header(self) -> None:
        self._in_fields, self._fields_size = True, None  # after the last chunk, a trailer follows

    def on_body(self, body: bytes) -> None:
        self._in_fields = False
        if self._is_chunked:
            self._content_size += len(body)
        if self._body_size <= MAX_BODY_BYTES:  # keep no more of a larger body than is needed to refuse it
            self._body.append(body)
            self._body_size += len(body)

    def on_message_complete(self) -> None:
        upgrade, line = self._parser.should_upgrade(), self._line
        if upgrade and line.method != "CONNECT":
            return  # the parser raises HttpParserUpgrade in data_received next
        self._in_fields = self._in_request = self._is_chunked = False
        request = Request(
            method=line.method,
            path=line.path,
            query=line.query,
            headers=self._headers,
            peer=self._peer,
            body=b"".join(self._body),
        )
        self._enqueue(request, may_keep=self._version == "1.1" and not upgrade and self._parser.should_keep_alive())

    # --- Rare cases ---------------------------------------------------------------------------------------------------

    def _bound_fields(self, size: int) -> None:
        # Do not count the first chunk: other HTTP requests may precede the fields in it, at an unknown offset.
        self._fields_size = 0 if self._fields_size is None else self._fields_size + size
        if self._fields_size > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _bound_chunking(self, size: int) -> None:
        """Count `size` bytes of chunk extensions or of a trailer, and refuse too many of them."""
        self._chunking_size += size
        if self._chunking_size > http_rules.MAX_CHUNKING_BYTES:
            self._refuse(HTTPStatus.BAD_REQUEST)

    def _send_100_continue(self) -> None:
        """Send 100 Continue if the client waits for it (RFC 9110 section 10.1.1)."""
        may_wait = self._version == "1.1" and not self._parser.should_upgrade()
        if may_wait and self._headers["expect"].lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Answer an HTTP request that offers another protocol as if it did not (RFC 9110 section 7.8).

        Some clients offer HTTP/2 with their first HTTP request. The parser takes everything after the head for that
        protocol and does not read the body, so the HTTP request is parsed again, without the offer. Input after it is
        ignored: a proxy in between may interpret it differently.
        """
        if self._line.method == "CONNECT":  # it has no body
            self._input_closed = True
            return
        fields = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
        head = self._line.text + b"connection: close\r\n" + fields.encode("latin-1") + b"\r\n"
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    # --- Answers ------------------------------------------------------------------------------------------------------

    def _enqueue(self, next_one: Request | Answer, *, may_keep: bool) -> None:
        self._waiting.append((next_one, may_keep))
        if self._task is None:
            self._task = self._loop.create_task(self._respond())
        else:  # RFC 9112 section 9.3.2: pipelining. Answer in order before reading more.
            self._transport.pause_reading()

    async def _respond(self) -> None:
        while self._waiting and not self._write_paused:
            next_one, may_keep = self._waiting.popleft()
            is_head = False
            if isinstance(next_one, Request):
                is_head = next_one.method == "HEAD"
                try:
                    answer = await self._application.answer(next_one)
                except Exception:  # a fault ends this connection only
                    log.exception("request_failed")
                    answer, may_keep = _plain(500), False
            else:
                answer = next_one
            if self._transport.is_closing():
                return
            may_keep = may_keep and not self._is_ending and not (self._is_half_closed and not self._waiting)
            self._transport.write(self._bytes(answer, is_head=is_head, may_keep=may_keep))
            if not may_keep:
                self._end()
                return
            if self._waiting:  # yield, so that pipelined HTTP requests do not starve other connections
                await asyncio.sleep(0)
                if self._is_ending:
                    self._end()
                    return
        self._task = None
        self._deadline = self._loop.time() + (self.arrival_timeout if self._in_request else self.idle_timeout)
        self._read_on()

    def _bytes(self, answer: Answer, *, is_head: bool, may_keep: bool) -> bytes:
        """Return head and body together: sent in two packets they would take twice as long."""
        head = STATUS_LINES[answer.status] + answer.head
        for field in self._server_state.default_headers:  # the date
            head += b"%b: %b\r\n" % field
        end = b"\r\n" if may_keep else b"connection: close\r\n\r\n"
        return head + end if is_head else b"%b%b%b" % (head, end, answer.body)

    def _read_on(self) -> None:
        if not self._write_paused and not self._waiting:
            self._transport.resume_reading()

    def _refuse(self, status: int) -> None:
        """Answer unreadable input, after the answers to earlier HTTP requests, and end the connection."""
        if not self._input_closed:
            self._input_closed = True
            self._enqueue(_plain(status), may_keep=False)

    def _end(self) -> None:
        """Close the connection, once the last answer has been sent.

        RFC 9112 section 9.6: if input were still arriving (of a refused HTTP request), the client would get a reset and
        might never read the answer. So half-close, and give the client `linger_timeout` to hang up.
        """
        self._task = None
        self._waiting.clear()  # or resume_writing would have them answered into a closed connection
        if self._input_closed and not self._is_ending and not self._is_half_closed:
            self._deadline = self._loop.time() + self.linger_timeout
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._deadline = self._loop.time() + self.idle_timeout  # for the client to read the rest of the answer
            self._transport.close()

    def _check_deadline(self) -> None:
        # No deadline while an answer is computed: the delay is the server's then.
        if self._task is None and self._loop.time() >= self._deadline:
            self._transport.abort()
        self._checking = self._loop.call_later(self.check_interval, self._check_deadline)


def _plain(status: int) -> Answer:
    return plain(status, b"text/plain", HTTPStatus(status).description.encode())
