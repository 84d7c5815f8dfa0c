"""The access log: a JSON line per request, like those of portal/logs.py, which would cost more than all of a request.

Lines are put into words one at a time and written behind, many at a time, by a thread: a terminal or a collector that
is slow to read must not hold up a request, nor, if it does not read at all, the end of the process.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import lru_cache
from io import FileIO, TextIOWrapper
from threading import Thread
from typing import TextIO

from tokens.http import Request

MOST_WAITING = 50_000  # lines; those that follow are dropped until some were written


class AccessLog:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []

    def add(self, at: float, request: Request, status: int, outcome: str, seconds: float) -> None:
        """`at`: seconds since 1970. The query string, which may hold a token, is not here."""
        if len(self._lines) < MOST_WAITING:
            self._lines.append(_line(at, request, status, outcome, seconds))

    async def flush(self) -> None:
        """Returns once all that waits was written. One call at a time."""
        lines, self._lines = self._lines, []
        if lines:
            written: Future[None] = Future()
            # Not one of asyncio.to_thread's: at the exit Python waits for those.
            Thread(target=self._write, args=("".join(lines), written), name="access log", daemon=True).start()
            await asyncio.wrap_future(written)

    def _write(self, text: str, written: Future[None]) -> None:
        written.set_running_or_notify_cancel()
        try:
            self._stream.write(text)
            self._stream.flush()
        except Exception as error:  # told to who awaits it
            written.set_exception(error)
        else:
            written.set_result(None)


def standard_error() -> TextIO:
    """Without the buffer of sys.stderr, whose lock Python takes at the exit: a thread may hold it that cannot go on."""
    return TextIOWrapper(FileIO(2, "w", closefd=False), write_through=True)  # type: ignore[arg-type]  # as `python -u`


@lru_cache(maxsize=1)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _line(at: float, request: Request, status: int, outcome: str, seconds: float) -> str:
    """Every value is of an alphabet that JSON needs no escapes for, so nobody can forge a line."""
    rule = request.refused_by.value if request.refused_by else ""
    client = request.client.client_id if request.client else ""
    timestamp = f"{_second(int(at))}.{int(at % 1 * 1e6):06d}+00:00"
    return (
        f'{{"timestamp": "{timestamp}", "level": "info", "logger": "tokens.access", "event": "answered",'
        f' "endpoint": "{request.endpoint}", "status": {status}, "outcome": "{outcome}", "rule": "{rule}",'
        f' "client": "{client}", "request_id": "{request.id}", "address": "{request.address}",'
        f' "milliseconds": {seconds * 1000:.2f}}}\n'
    )
