"""HTTP requests to one server: no redirects, bounded in size and time, JSON only."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from keydesk_cli import __version__
from keydesk_cli.errors import Misused, Unexpected, Unreachable

TIMEOUT_S = 20  # of each read
MAX_TOTAL_S = 60
MAX_ANSWER_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


@dataclass(frozen=True)
class Answer:
    """Status, header fields, and the JSON object of the body; an empty one where the body is no JSON object."""

    status: int
    headers: Message
    body: Mapping[str, Any]

    @property
    def request_id(self) -> str:
        return str(self.headers.get("X-Request-Id", ""))


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Answers of any status, redirects among them, which would take credentials elsewhere."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


def checked_url(url: str) -> str:
    """Return the address of a Keydesk without its last slash. Raises Misused: https, or http to this machine."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.username is not None or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise Misused("bad_url", "--url is the address of Keydesk, such as https://keydesk.example.")
    if parts.scheme != "https" and not (parts.scheme == "http" and LOOPBACK.fullmatch(host)):
        raise Misused("insecure_url", "--url must begin with https://, as secrets are sent there.")
    return url.rstrip("/")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port. Raises ValueError."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def send(method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """Return the answer. Raises Unreachable (also when told to come back later), and Unexpected for a strange one."""
    own = {"Accept": "application/json", "Accept-Language": "en", "User-Agent": f"keydesk-cli/{__version__}"}
    request = urllib.request.Request(url, data=body, headers={**own, **headers}, method=method)  # noqa: S310  # checked_url
    handlers = (_AsItIs, urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_S) as response:
            answer = Answer(response.status, response.headers, _object(_read(response)))
    except urllib.error.URLError as error:
        raise _unreachable(url, error.reason) from None
    except http.client.HTTPException:
        raise Unexpected("broken_answer", f"{_place(url)} did not answer in HTTP.", url=url) from None
    except OSError as error:
        raise _unreachable(url, error) from None
    return _usable(answer, url)


def _read(response: http.client.HTTPResponse) -> bytes:
    until, read = time.monotonic() + MAX_TOTAL_S, bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            raise Unexpected("answer_too_large", f"The answer has more than {MAX_ANSWER_BYTES} bytes.")
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(read)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _usable(answer: Answer, url: str) -> Answer:
    status = answer.status
    if status == http.HTTPStatus.TOO_MANY_REQUESTS or status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        after = str(answer.headers.get("Retry-After", ""))
        again = f" Try again in {after} seconds." if after.isdecimal() and len(after) < 7 else " Try again later."
        code = "too_many_requests" if status == http.HTTPStatus.TOO_MANY_REQUESTS else "server_unavailable"
        message = f"{_place(url)} answers {status}.{again}"
        raise Unreachable(code, message, status=status, request_id=answer.request_id)
    if status < http.HTTPStatus.OK or http.HTTPStatus.MULTIPLE_CHOICES <= status < http.HTTPStatus.BAD_REQUEST:
        message = f"{_place(url)} answers {status}, which Keydesk never does. Is --url right?"
        raise Unexpected("unexpected_status", message, status=status)
    return answer


def _unreachable(url: str, cause: object) -> Unreachable:
    if isinstance(cause, ssl.SSLError):
        reason = f"its certificate was not accepted ({getattr(cause, 'verify_message', '') or cause.reason})"
    elif isinstance(cause, TimeoutError):
        reason = "it took too long"
    else:
        reason = str(getattr(cause, "strerror", None) or "no connection")
    return Unreachable("unreachable", f"{_place(url)} cannot be reached: {reason}.", url=url)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
