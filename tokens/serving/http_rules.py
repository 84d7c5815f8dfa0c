"""Rules for form and size of an HTTP/1.1 request, beyond those of the parser (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote

import httptools

from tokens.protocol.http import READ_HEADERS

# Fields that the connection reads, by their names on the wire.
READ_FIELDS = {name.encode(): name for name in (*READ_HEADERS, "host", "content-length", "transfer-encoding", "expect")}
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
MAX_HEAD_BYTES = 128 * 1024  # of a head or a trailer: 64 KiB for the target, as much for long fields
MAX_CHUNKING_BYTES = 512 * 1024  # of a chunked body beside its content: five times as much as the largest content
MAX_FIELDS = 100
MAX_KNOWN_LINES = 64

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(:[0-9]*)?")


class UnreadableRequest(Exception):
    """Input that is not read further; `status` of the answer says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@lru_cache(maxsize=64)  # nearly all HTTP requests name the same one or two hosts
def is_host(text: str) -> bool:
    """Return whether `text` is a single host, with or without a port (RFC 9110 section 7.2, RFC 3986 section 3.2.2)."""
    return _HOST.fullmatch(text) is not None


class RequestLine(NamedTuple):
    """Parsed request line. `text`: its canonical bytes; the path is unescaped, the query is not."""

    text: bytes
    method: str
    path: str
    query: str


# Cache of the usual request lines, so that each is parsed once. None with a query: it may hold a token.
known_lines: dict[tuple[bytes, bytes, str], RequestLine] = {}


def request_line(method: bytes, target: bytes, version: str) -> RequestLine:
    """Parse a request line (RFC 9110 sections 4.2.4, 7.1).

    Raises UnreadableRequest for an unknown version, a fragment or a user's name.
    """
    url = httptools.parse_url(target)
    if url.userinfo is not None or url.fragment is not None or version not in ("1.1", "1.0"):
        raise UnreadableRequest(HTTPStatus.BAD_REQUEST)
    path = (url.path or b"/").decode("ascii")  # RFC 9110 section 4.2.3: `http://x` means `http://x/`
    text = b"%b %b HTTP/%b\r\n" % (method, target, version.encode())
    query = url.query.decode("latin-1") if url.query else ""
    line = RequestLine(text, method.decode("ascii"), unquote(path) if "%" in path else path, query)
    if len(known_lines) < MAX_KNOWN_LINES and b"?" not in target and len(target) < 100:
        known_lines[method, target, version] = line
    return line


def check_head(head: bytes, found: int) -> None:
    """Refuse a head that is too long, or whose request line is not `found` in canonical form (RFC 9112 section 3).

    The parser accepts more than one space, and a head of any length in one chunk.
    """
    if found < 0:
        raise UnreadableRequest(HTTPStatus.BAD_REQUEST)
    if head.find(b"\r\n\r\n", found) - found > MAX_HEAD_BYTES:
        raise UnreadableRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
