"""The form and size of a request of HTTP/1.1, beyond what the parser asks (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote

import httptools

MAX_HEAD_BYTES = 128 * 1024  # of a head or a trailer: 64 KiB for the target, as much for fields that are long
MAX_CHUNKING_BYTES = 512 * 1024  # what a chunked body has beside its content: five times the largest one
MAX_FIELDS = 100
MAX_KNOWN_LINES = 64

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(:[0-9]*)?")


class UnreadableRequest(Exception):
    """The request is not read further; `status` says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@lru_cache(maxsize=64)  # nearly all requests are for the same one or two
def is_host(text: str) -> bool:
    """Return whether it is a single host, with a port or without (RFC 9110 section 7.2, RFC 3986 section 3.2.2)."""
    return _HOST.fullmatch(text) is not None


class RequestLine(NamedTuple):
    """`text` as it has to be on the wire; the path unescaped, the query as it is."""

    text: bytes
    method: str
    path: str
    query: str


# Of the lines that nearly all requests have, so that they are taken apart once. None with a query: it may hold a token.
known_lines: dict[tuple[bytes, bytes, str], RequestLine] = {}


def request_line(method: bytes, target: bytes, version: str) -> RequestLine:
    """Raises UnreadableRequest: for no such version, a fragment or a user's name (RFC 9110 sections 4.2.4, 7.1)."""
    url = httptools.parse_url(target)
    if url.userinfo is not None or url.fragment is not None or version not in ("1.1", "1.0"):
        raise UnreadableRequest(HTTPStatus.BAD_REQUEST)
    path = (url.path or b"/").decode("ascii")  # RFC 9110 section 4.2.3: `http://x` means that
    text = b"%b %b HTTP/%b\r\n" % (method, target, version.encode())
    query = url.query.decode("latin-1") if url.query else ""
    line = RequestLine(text, method.decode("ascii"), unquote(path) if "%" in path else path, query)
    if len(known_lines) < MAX_KNOWN_LINES and b"?" not in target and len(target) < 100:
        known_lines[method, target, version] = line
    return line


def check_head(head: bytes, found: int) -> None:
    """Refuse a head whose request line was not `found` as it has to be (RFC 9112 section 3), or that is too long.

    The parser lets more than one space pass, and a head of any length that comes in one piece.
    """
    if found < 0:
        raise UnreadableRequest(HTTPStatus.BAD_REQUEST)
    if head.find(b"\r\n\r\n", found) - found > MAX_HEAD_BYTES:
        raise UnreadableRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
