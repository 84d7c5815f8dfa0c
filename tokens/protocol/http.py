"""A request and a response, as small as the authorization server needs them, whichever server they came by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tokens.protocol.client import ClientSnapshot
from tokens.protocol.errors import Allowance, Rule

# The fields that are read, by their names in lower case. Of one that was sent twice both values, with a comma between.
READ_HEADERS = ("authorization", "content-type", "x-forwarded-for", "x-request-id")


@dataclass(slots=True)
class Request:
    """What came in. The fields from `endpoint` on are filled in while it is being answered."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # READ_HEADERS as far as they were sent; a server may leave what it reads itself
    peer: str  # the address at the other end of the connection; "" when there is none (a unix socket)
    body: bytes  # of a body that is too large, at least one byte more than is allowed
    endpoint: str = "unknown"
    id: str = ""  # X-Request-Id
    why: str = ""  # 128 random bits: names the explanation of a refusal; the same as `id` unless a proxy gave that
    address: str = ""  # the caller's, behind whatever proxies of ours; "" when it is not known
    client: ClientSnapshot | None = None
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
    """A JSON answer; the application adds the headers that all answers have."""

    status: int
    payload: dict[str, Any]
    headers: list[tuple[str, str]] = field(default_factory=list)


class Answer(NamedTuple):
    """A response as a server sends it."""

    status: int
    headers: list[tuple[bytes, bytes]]  # names in lower case
    body: bytes


def plain(status: int, content_type: bytes, body: bytes) -> Answer:
    """One that is not of the protocol."""
    return Answer(status, [(b"content-type", content_type), (b"content-length", b"%d" % len(body))], body)
