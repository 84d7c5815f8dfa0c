"""JSON log lines for everything a process writes, including prints of libraries, warnings and tracebacks.

Collectors drop lines that are not JSON, and with them evidence that an incident needs. portal/config/log_format.py
formats the lines of loggers; this module handles the rest, and the time before settings are loaded.
"""

from __future__ import annotations

import atexit
import json
import logging
import sys
import threading
from datetime import UTC, datetime
from traceback import format_exception
from types import TracebackType
from typing import TYPE_CHECKING, Any

from foundation.log_stream import standard_error
from foundation.secret_format import without_secrets

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

MAX_EVENT_LENGTH = 8 * 1024  # characters
MAX_TRACEBACK_LENGTH = 32 * 1024  # characters, counted from the end

_taken_over: list[SupportsWrite[str]] = []


class LineHandler(logging.StreamHandler[Any]):
    """Handler for the stream that `write_lines_only` took over, else standard error."""

    def __init__(self) -> None:
        super().__init__(_taken_over[0] if _taken_over else sys.stderr)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # of logging
        """Write which line could not be written, and why. The logging module would print a traceback."""
        lost = logging.LogRecord(record.name, logging.ERROR, "", 0, "log_line_lost", None, sys.exc_info())
        self.stream.write(PlainLine().format(lost) + self.terminator)


class PlainLine(logging.Formatter):
    """Formatter of a JSON line that needs no settings and hardly can fail."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": without_secrets(record.getMessage()[:MAX_EVENT_LENGTH]),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info:
            lines = "".join(format_exception(*record.exc_info))
            line["exception"] = without_secrets(lines[-MAX_TRACEBACK_LENGTH:])
        return json.dumps(line)


class Printed:
    """Replacement for sys.stdout or sys.stderr that logs each printed line as an event. Has no file descriptor."""

    encoding, errors = "utf-8", "backslashreplace"

    def __init__(self, name: str, level: int) -> None:
        self._log, self._level = logging.getLogger(name), level
        self._lock, self._begun = threading.Lock(), ""

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
            if len(self._begun) > MAX_EVENT_LENGTH:
                lines, self._begun = [*lines, self._begun], ""
        self._write(lines)
        return len(text)

    def flush(self) -> None:
        """Do nothing: a line is written when it has ended."""

    def isatty(self) -> bool:
        return False

    def finish(self) -> None:
        """Write text that has no end of line yet."""
        with self._lock:
            line, self._begun = self._begun, ""
        self._write([line])

    def _write(self, lines: list[str]) -> None:
        for line in lines:
            if line.strip():
                self._log.log(self._level, "%s", line)


def write_lines_only(stream: SupportsWrite[str] | None = None) -> None:
    """Make this process write only JSON lines, to `stream` or, in the background, to standard error. Idempotent."""
    if _taken_over:
        return
    _taken_over.append(stream if stream is not None else standard_error())
    _take_over_loggers()
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    _take_over_prints()


def line_stream() -> SupportsWrite[str]:
    """Return the stream of the log lines, for a log that makes its own lines."""
    return _taken_over[0] if _taken_over else standard_error()


def _take_over_loggers() -> None:
    """Redirect the existing handlers, or add a plain one until settings configure others."""
    root = logging.getLogger()
    if not root.handlers:
        plain = LineHandler()
        plain.setFormatter(PlainLine())
        root.addHandler(plain)
        root.setLevel(logging.INFO)
    for handler in root.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(_taken_over[0])


def _take_over_prints() -> None:
    out, err = Printed("stdout", logging.INFO), Printed("stderr", logging.WARNING)
    sys.stdout = sys.__stdout__ = out  # type: ignore[assignment, misc]  # Celery prints to the latter
    sys.stderr = sys.__stderr__ = err  # type: ignore[assignment, misc]  # as above
    for printed in (out, err):
        atexit.register(printed.finish)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        logging.getLogger(__name__).critical("uncaught_exception", exc_info=(kind, error, trace))
