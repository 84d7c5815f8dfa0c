"""The access log: a JSON line per request, like those of portal/logs.py, which would cost more than all of a request.

They are put into words and written behind, many at a time. Written by the request's own thread, each line would be a
system call during which other threads take the interpreter: a sixth of the CPU that a token costs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import TextIO

from tokens.http import Request

MOST_WAITING = 10_000  # lines; who adds the next one writes them all

Entry = tuple[float, str, int, str, str, str, str, str, float]


class AccessLog:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: list[Entry] = []
        self._stream: TextIO | None = None
        self._writing = Lock()

    def add(self, stream: TextIO, request: Request, status: int, outcome: str, seconds: float) -> None:
        """`stream`: the server's for errors, the same for all requests.

        The query string, which may hold a token, is not here.
        """
        client = request.client.client_id if request.client else ""
        rule = request.refused_by.value if request.refused_by else ""
        self._stream = stream
        self._entries.append(
            (self._clock(), request.endpoint, status, outcome, rule, client, request.id, request.address, seconds)
        )
        if len(self._entries) > MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        with self._writing:
            # Others add meanwhile: take what is there now, and no more.
            entries = self._entries[:]
            del self._entries[: len(entries)]
            if self._stream is not None and entries:
                self._stream.write("".join(_line(*entry) for entry in entries))
                self._stream.flush()


def _line(
    at: float, endpoint: str, status: int, outcome: str, rule: str, client: str, id: str, address: str, seconds: float
) -> str:
    """Every value is of an alphabet that JSON needs no escapes for, so nobody can forge a line."""
    timestamp = datetime.fromtimestamp(at, UTC).isoformat()
    return (
        f'{{"timestamp": "{timestamp}", "level": "info", "logger": "tokens.access", "event": "answered",'
        f' "endpoint": "{endpoint}", "status": {status}, "outcome": "{outcome}", "rule": "{rule}",'
        f' "client": "{client}", "request_id": "{id}", "address": "{address}", "milliseconds": {seconds * 1000:.2f}}}\n'
    )
