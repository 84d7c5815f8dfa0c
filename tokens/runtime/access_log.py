"""Access log: a JSON line per HTTP request, in the form of portal/config/log_format.py but far cheaper.

Lines are formatted one at a time and written many at a time, to a stream that queues them at once
(foundation/log_stream.py).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from tokens.protocol.http import Request

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class AccessLog:
    def __init__(self, stream: SupportsWrite[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []

    def add(self, at: float, request: Request, status: int, outcome: str, seconds: float) -> None:
        """Add the line of an HTTP request. `at`: seconds since 1970. No query string, because it may hold a token."""
        self._lines.append(_line(at, request, status, outcome, seconds))

    async def flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._stream.write("".join(lines))


@lru_cache(maxsize=1)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _line(at: float, request: Request, status: int, outcome: str, seconds: float) -> str:
    """Format a line. No value needs JSON escapes, by its alphabet, so a caller cannot forge a line."""
    rule = request.refused_by.value if request.refused_by else ""
    client = request.client.client_id if request.client else ""
    timestamp = f"{_second(int(at))}.{int(at % 1 * 1e6):06d}+00:00"
    trace = f' "trace_id": "{request.trace_id}",' if request.trace_id else ""
    return (
        f'{{"timestamp": "{timestamp}", "level": "info", "logger": "tokens.access", "event": "answered",'
        f' "endpoint": "{request.endpoint}", "status": {status}, "outcome": "{outcome}", "rule": "{rule}",'
        f' "client": "{client}", "request_id": "{request.id}",{trace} "address": "{request.address}",'
        f' "milliseconds": {seconds * 1000:.2f}}}\n'
    )
