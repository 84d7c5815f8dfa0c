"""HTTP request and response, as small as the authorization server needs them, independent of the HTTP server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tokens.protocol.client import ClientSnapshot
from tokens.protocol.errors import Allowance, Rule
from tokens.protocol.traits import NO_TRAITS, Traits

# Header fields that the endpoints use, in lower case. A repeated field has both values, with a comma between.
READ_HEADERS = ("authorization", "content-type", "traceparent", "x-forwarded-for", "x-request-id")


@dataclass(slots=True)
class Request:
    """HTTP request. The fields from `endpoint` on are filled in while it is being answered."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # READ_HEADERS as far as they were sent; a server may leave what it reads itself
    peer: str  # the address at the other end of the connection; "" when there is none (a unix socket)
    body: bytes  # if it is too large, at least one byte more than is allowed
    endpoint: str = "unknown"
    id: str = ""  # X-Request-Id
    trace_id: str = ""  # of the proxy's trace, or of our own
    why: str = ""  # id of a refusal's explanation, 128 random bits; equals `id` unless a proxy set that
    address: str = ""  # the caller's, behind the trusted proxies; "" if unknown
    client: ClientSnapshot | None = None
    credential: str = ""  # that authenticated the client; "" until then
    traits: Traits = NO_TRAITS
    allowance: Allowance | None = None
    refused_by: Rule | None = None

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(slots=True)
class Response:
    """JSON response; the application adds the headers of all responses."""

    status: int
    payload: dict[str, Any]
    headers: list[tuple[str, str]] = field(default_factory=list)


class Answer(NamedTuple):
    """Response as bytes for the HTTP server. `head`: the lines of its header fields, with names in lower case."""

    status: int
    head: bytes
    body: bytes

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the header fields as ASGI has them."""
        return [(name, value) for name, _, value in (line.partition(b": ") for line in self.head.splitlines())]

    def with_header(self, name: bytes, value: bytes) -> Answer:
        return self._replace(head=self.head + header_line(name, value))


def header_line(name: bytes, value: bytes) -> bytes:
    return b"%b: %b\r\n" % (name, value)


def plain(status: int, content_type: bytes, body: bytes) -> Answer:
    """Return an answer of another content type than the protocol's JSON."""
    head = b"content-type: %b\r\ncontent-length: %d\r\n" % (content_type, len(body))
    return Answer(status, head, body)
