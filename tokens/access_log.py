"""The access log: a JSON line per request, like those of portal/logs.py, which would cost more than all of a request.

Lines are written behind, many at a time. Written by the request's own thread, each would be a system call during which
other threads take the interpreter: a sixth of the CPU that a token costs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import TextIO

from tokens.http import Request

MOST_WAITING = 10_000  # lines; who adds the next one writes them all


class AccessLog:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lines: list[str] = []
        self._stream: TextIO | None = None
        self._writing = Lock()

    def add(self, stream: TextIO, request: Request, status: int, outcome: str, seconds: float) -> None:
        """`stream`: the server's for errors, the same for all requests.

        Every value is of an alphabet that JSON needs no escapes for, so nobody can forge a line. The query string,
        which may hold a token, is not here.
        """
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat()
        client = request.client.client_id if request.client else ""
        rule = request.refused_by.value if request.refused_by else ""
        self._stream = stream
        self._lines.append(
            f'{{"timestamp": "{at}", "level": "info", "logger": "tokens.access", "event": "answered",'
            f' "endpoint": "{request.endpoint}", "status": {status}, "outcome": "{outcome}", "rule": "{rule}",'
            f' "client": "{client}", "request_id": "{request.id}", "address": "{request.address}",'
            f' "milliseconds": {seconds * 1000:.2f}}}\n'
        )
        if len(self._lines) > MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        with self._writing:
            # Others add meanwhile: take what is there now, and no more.
            count = len(self._lines)
            text = "".join(self._lines[:count])
            del self._lines[:count]
            if self._stream is not None and text:
                self._stream.write(text)
                self._stream.flush()
