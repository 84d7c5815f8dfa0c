"""Stream that queues log lines at once and writes them in order from a thread (QueueListener).

A slow terminal or collector must not delay an HTTP request nor, if it does not read at all, the exit of the process;
and lines that two threads write into a full pipe would be mixed.

Beyond QueueListener with a bounded queue.Queue, this has: a bound in characters, since a text may hold one line or
thousands; an exit that waits for the reader for a limited time; a write that may interrupt another one, as when a
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

MAX_WAITING_CHARACTERS = 16 * 1024 * 1024  # further lines are dropped until some were written
EXIT_TIMEOUT_S = 2.0  # for writing queued lines at the exit


class LogStream(QueueListener):
    """Stream for texts of whole lines. Its thread is a daemon, so that Python does not wait for it at the exit."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(SimpleQueue())
        self._stream = stream
        self._size = 0  # characters queued or being written
        self._dropped = 0  # lines since the last text that was queued
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
        """Do nothing: a logger calls this after each line, and must not wait."""

    def handle(self, record: Any) -> None:
        """Write a queued text. Called by the thread."""
        with suppress(OSError):  # there is nowhere left to report it
            self._stream.write(record)
            self._stream.flush()
        with self._changed:
            self._size -= len(record)
            self._changed.notify_all()

    def finish(self) -> None:
        """Wait until all is written, for at most EXIT_TIMEOUT_S."""
        with self._changed:
            self._changed.wait_for(lambda: not self._size, timeout=EXIT_TIMEOUT_S)


def _dropped_line(lines: int) -> str:
    line = {"event": "log_lines_dropped", "lines": lines, "logger": __name__, "level": "error"}
    return json.dumps({**line, "timestamp": datetime.now(UTC).isoformat()}) + "\n"


def standard_error() -> LogStream:
    """Return a stream that writes standard error from a thread and, at the exit, writes queued lines."""
    stream = LogStream(unbuffered())
    atexit.register(stream.finish)
    return stream


def unbuffered() -> TextIO:
    """Return standard error without the buffer of sys.stderr.

    Python takes the lock of that buffer at the exit, while a blocked thread may hold it. Each text is one write, so
    that the lines of several processes do not mix.
    """
    raw = FileIO(2, "w", closefd=False)
    return TextIOWrapper(raw, errors="backslashreplace", write_through=True)
