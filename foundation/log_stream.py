"""Log lines that are taken at once and written behind, in order, by a thread of the standard library's QueueListener.

A terminal or a collector that is slow to read must not hold up a request, nor, if it does not read at all, the end of
the process. And lines that two threads write into a full pipe would be mixed.

Ours is what QueueListener with a bounded queue.Queue lacks: a bound in characters, since a text may hold one line or
thousands; an end that waits for the reader for a limited time; a write that may interrupt another one, as when a
finaliser logs (queue.Queue would deadlock); and a line that says how many were dropped.
"""

from __future__ import annotations

import atexit
import json
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO, TextIOWrapper
from logging.handlers import QueueListener
from queue import SimpleQueue
from threading import Condition
from typing import Any, TextIO

MAX_WAITING_CHARACTERS = 16 * 1024 * 1024  # characters; what follows is dropped until some were written
EXIT_TIMEOUT_S = 2.0  # seconds at the exit, for what waits


class LogStream(QueueListener):
    """Stream for texts of whole lines. Its thread is a daemon, so that Python does not wait for it at the exit."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(SimpleQueue())
        self._stream = stream
        self._size = 0  # of what waits and what is just being written
        self._dropped = 0  # lines since the last text that was taken
        self._changed = Condition()  # its lock is reentrant
        self.start()

    def write(self, text: str) -> None:
        with self._changed:
            if self._size >= MAX_WAITING_CHARACTERS:
                self._dropped += text.count("\n")
                return
            if self._dropped:
                text, self._dropped = _dropped_line(self._dropped) + text, 0
            self._size += len(text)
            self.queue.put_nowait(text)

    def flush(self) -> None:
        """Nothing: a logger calls it after each line, and must not wait."""

    def handle(self, record: Any) -> None:
        """Write a text that waited. Called by the thread."""
        with suppress(OSError):  # whom to tell?
            self._stream.write(record)
            self._stream.flush()
        with self._changed:
            self._size -= len(record)
            self._changed.notify_all()

    def finish(self) -> None:
        """Return once all was written, or could not be in EXIT_TIMEOUT_S."""
        with self._changed:
            self._changed.wait_for(lambda: not self._size, timeout=EXIT_TIMEOUT_S)


def _dropped_line(lines: int) -> str:
    line = {"event": "log_lines_dropped", "lines": lines, "logger": __name__, "level": "error"}
    return json.dumps({**line, "timestamp": datetime.now(UTC).isoformat()}) + "\n"


def standard_error() -> LogStream:
    """Standard error behind a thread; at the exit, what waits is written."""
    stream = LogStream(unbuffered())
    atexit.register(stream.finish)
    return stream


def unbuffered() -> TextIO:
    """Return standard error without the buffer of sys.stderr.

    Python takes that buffer's lock at the exit, while a thread that cannot go on may hold it. Each text is one write,
    so that the lines of several processes do not mix.
    """
    raw = FileIO(2, "w", closefd=False)
    return TextIOWrapper(raw, errors="backslashreplace", write_through=True)
