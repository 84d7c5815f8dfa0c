"""What a process logs into: text is taken at once and written behind, in order, by one thread.

A terminal or a collector that is slow to read must not hold up a request, nor, if it does not read at all, the end of
the process. And lines that two threads write into a full pipe would be mixed.
"""

from __future__ import annotations

import atexit
from contextlib import suppress
from io import FileIO, TextIOWrapper
from threading import Condition, Thread
from typing import TextIO

MOST_WAITING = 16 * 1024 * 1024  # characters; what follows is dropped until some were written
LONGEST_FAREWELL = 2.0  # seconds at the exit, for what waits


class LogStream:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: list[str] = []
        self._size = 0  # of what waits and what is just being written
        self._changed = Condition()
        # Neither an executor's nor asyncio.to_thread's: at the exit Python waits for those.
        Thread(target=self._write_all, name="log", daemon=True).start()

    def write(self, text: str) -> None:
        with self._changed:
            if self._size < MOST_WAITING:
                self._waiting.append(text)
                self._size += len(text)
                self._changed.notify_all()

    def flush(self) -> None:
        """Nothing: a logger calls it after each line, and must not wait."""

    def finish(self) -> None:
        """Returns once all was written, or could not be in LONGEST_FAREWELL."""
        with self._changed:
            self._changed.wait_for(lambda: not self._size, timeout=LONGEST_FAREWELL)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                text, self._waiting = "".join(self._waiting), []
            with suppress(OSError):  # whom to tell?
                self._stream.write(text)
                self._stream.flush()
            with self._changed:
                self._size -= len(text)
                self._changed.notify_all()


def standard_error() -> LogStream:
    """Standard error behind a thread; at the exit, what waits is written."""
    stream = LogStream(unbuffered())
    atexit.register(stream.finish)
    return stream


def unbuffered() -> TextIO:
    """Standard error without the buffer of sys.stderr, whose lock Python takes at the exit: a thread may hold it that
    cannot go on. Each text is one write, so that the lines of several processes do not mix."""
    raw = FileIO(2, "w", closefd=False)
    return TextIOWrapper(raw, errors="backslashreplace", write_through=True)  # type: ignore[arg-type]  # python -u
