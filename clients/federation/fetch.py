"""The guarded fetch: one GET of, or POST to, an https address that somebody else chose (PROTOCOL F-35).

The host is resolved once, every address that it has must be public, and the connection goes to one of these; the name
is only for TLS and the Host field. Redirects are refused, proxies and credentials of the environment are not looked at,
and everything together takes 3 seconds at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httptools

from clients.federation import addresses
from clients.federation.addresses import Address
from clients.refusal_codes import FetchCode
from foundation.refusals import Refusal

MAX_SECONDS = 3.0
MAX_BODY = 64 * 1024
MAX_HEADER = 16 * 1024
READ_AT_ONCE = 16 * 1024
OK = range(200, 201)
ACCEPTED = range(200, 300)  # of a POST
REDIRECTS = range(300, 400)
INTERIM = (100, 102, 103)

Resolve = Callable[..., Sequence[tuple[Any, ...]]]


@dataclass(frozen=True)
class Fetcher:
    """GET and POST within what is allowed here: internal hosts by name, and a CA for these beside the public ones."""

    allowed_hosts: frozenset[str] = frozenset()
    ca_file: str = ""
    resolve: Resolve = socket.getaddrinfo

    def get(self, url: str) -> bytes:
        """Return the body at this address. Raises Refusal, and no other exception for anything that a server does."""
        return self._exchange(url, "GET", {"Accept": "application/json"}, b"", OK)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a body to this address; any 2xx will do. Raises Refusal, and no other exception."""
        self._exchange(url, "POST", {**headers, "Content-Length": str(len(body))}, body, ACCEPTED)

    def _exchange(self, url: str, method: str, headers: Mapping[str, str], body: bytes, wanted: range) -> bytes:
        address = addresses.parse(url, allowed_hosts=self.allowed_hosts)
        fields = {
            "Host": address.host_header, "User-Agent": "keydesk", **headers,
            "Accept-Encoding": "identity", "Connection": "close",
        }  # fmt: skip
        lines = [f"{method} {address.target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        try:
            return asyncio.run(self._in_time(address, "\r\n".join(lines).encode() + body, wanted))
        except TimeoutError as error:
            raise Refusal(FetchCode.FETCH_TOO_SLOW) from error

    async def _in_time(self, address: Address, sent: bytes, wanted: range) -> bytes:
        async with asyncio.timeout(MAX_SECONDS):
            hosts = await _resolved(address, self.resolve)
            if not address.allowed and not all(map(addresses.is_public, hosts)):
                raise Refusal(FetchCode.ADDRESS_NOT_PUBLIC)
            return await _exchange(address, hosts, self._tls(address), sent, wanted)

    def _tls(self, address: Address) -> ssl.SSLContext:
        """Return the TLS settings. The private CA vouches for internal hosts only."""
        context = ssl.create_default_context()
        if address.allowed and self.ca_file:
            context.load_verify_locations(self.ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return context


async def _resolved(address: Address, resolve: Resolve) -> list[str]:
    """Return the addresses of the host, asked for once. In a thread that is left behind when the time is over."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def give(found: list[str]) -> None:
        if not answer.done():
            answer.set_result(found)

    def ask() -> None:
        try:
            rows = resolve(address.host, address.port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError):
            found = []
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(give, found)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    if found := await answer:
        return found
    # The same as for a private one: nobody learns here which internal names exist.
    raise Refusal(FetchCode.ADDRESS_NOT_PUBLIC)


async def _exchange(address: Address, hosts: Sequence[str], tls: ssl.SSLContext, sent: bytes, wanted: range) -> bytes:
    reader, writer = await _connect(address, hosts, tls)
    try:
        writer.write(sent)
        return await _answer(reader, wanted)
    except OSError as error:
        raise Refusal(FetchCode.FETCH_BROKEN) from error
    finally:
        writer.transport.abort()  # a goodbye could wait for the other side


async def _connect(
    address: Address, hosts: Sequence[str], tls: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first of these that answers."""
    for host in hosts:
        try:
            return await asyncio.open_connection(host, address.port, ssl=tls, server_hostname=address.host)
        except ssl.SSLError as error:
            raise Refusal(FetchCode.FETCH_TLS_FAILED) from error
        except TimeoutError:  # an OSError, too
            raise
        except OSError:
            continue
    raise Refusal(FetchCode.FETCH_UNREACHABLE)


async def _answer(reader: asyncio.StreamReader, wanted: range) -> bytes:
    answer, received = _Answer(wanted), 0
    while not answer.is_complete:
        part = await reader.read(READ_AT_ONCE)
        if not part:
            return answer.body_at_the_end()
        received += len(part)
        if received > MAX_BODY + MAX_HEADER:
            raise Refusal(FetchCode.FETCH_TOO_LARGE)
        answer.feed(part)
    return answer.body_at_the_end()


class _Answer:
    """An HTTP answer as it comes in. Other statuses than those wanted are refused at the end of the header."""

    def __init__(self, wanted: range) -> None:
        self._wanted = wanted
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._has_length = False
        self._is_final = False
        self._refused: FetchCode | None = None  # what a callback raises arrives in other clothes
        self.is_complete = False

    def feed(self, part: bytes) -> None:
        try:
            self._parser.feed_data(part)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self.is_complete:  # what follows the answer is not looked at
                self._refused = self._refused or FetchCode.FETCH_BROKEN
        if self._refused:
            raise Refusal(self._refused)

    def body_at_the_end(self) -> bytes:
        """Return the body; of an answer without a length the connection's end is the end."""
        if not self._is_final or (self._has_length and not self.is_complete):
            raise Refusal(FetchCode.FETCH_BROKEN)
        return bytes(self._body)

    # --- Called by the parser ---

    def on_header(self, name: bytes, value: bytes) -> None:
        field = name.lower()
        if field in {b"content-length", b"transfer-encoding"}:
            self._has_length = True
        elif field == b"content-encoding" and value.strip().lower() != b"identity":
            self._refused = FetchCode.FETCH_BROKEN

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.is_complete or self._refused:
            return
        if status in INTERIM:
            self._has_length = False
        elif status in REDIRECTS:
            self._refused = FetchCode.FETCH_REDIRECTED
        elif status not in self._wanted:
            self._refused = FetchCode.FETCH_STATUS if self._wanted == OK else FetchCode.POST_NOT_ACCEPTED
        else:
            self._is_final = True

    def on_body(self, part: bytes) -> None:
        if self.is_complete or self._refused:
            return
        self._body += part
        if len(self._body) > MAX_BODY:
            self._refused = FetchCode.FETCH_TOO_LARGE

    def on_message_complete(self) -> None:
        self.is_complete = self._is_final
