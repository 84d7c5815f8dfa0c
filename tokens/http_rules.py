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

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(:[0-9]*)?")


class Refused(Exception):
    """The request is not read further; `status` says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@lru_cache(maxsize=64)  # nearly all requests are for the same one or two
def is_host(text: str) -> bool:
    """One host, with a port or without (RFC 9110 section 7.2, RFC 3986 section 3.2.2); several have a space between."""
    return _HOST.fullmatch(text) is not None


class RequestLine(NamedTuple):
    """`text` as it has to be on the wire; the path unescaped, the query as it is."""

    text: bytes
    path: str
    query: str

    def end_in(self, head: bytes, start: int) -> int:
        """Where it ends in a head, looked for from `start`. The parser lets more than one space pass.

        Raises Refused (RFC 9112 section 3), also for a head that is too long: it may have come in one piece.
        """
        found = head.find(self.text, start)
        if found < 0:
            raise Refused(HTTPStatus.BAD_REQUEST)
        if len(head) > MAX_HEAD_BYTES and head.find(b"\r\n\r\n", found) - found > MAX_HEAD_BYTES:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return found + len(self.text)


def request_line(method: bytes, target: bytes, version: str) -> RequestLine:
    """Raises Refused for a version that there is not, a fragment, or a user's name (RFC 9110 sections 4.2.4, 7.1)."""
    # One with a query is not remembered: there may be a token in it.
    return (_read if b"?" in target else _remembered)(method, target, version)


def _read(method: bytes, target: bytes, version: str) -> RequestLine:
    url = httptools.parse_url(target)
    if url.userinfo is not None or url.fragment is not None or version not in ("1.1", "1.0"):
        raise Refused(HTTPStatus.BAD_REQUEST)
    path = (url.path or b"/").decode("ascii")  # RFC 9110 section 4.2.3: `http://x` means that
    query = url.query.decode("latin-1") if url.query else ""
    text = b"%b %b HTTP/%b\r\n" % (method, target, version.encode())
    return RequestLine(text, unquote(path) if "%" in path else path, query)


_remembered = lru_cache(maxsize=64)(_read)
