"""Logging as a JSON line per event, for every process alike (docs/operations.md, logs).

Values are cut to a length, then secrets are taken out, then the event is rendered. A line is therefore JSON whatever a
caller sends, and its cost is bounded. JSON escapes control characters, so no value forges a line of its own (CR/LF,
ANSI).
"""

import logging
import logging.config
import math
import re
from itertools import islice
from traceback import TracebackException

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from foundation.log_lines import LineHandler
from foundation.secret_format import without_secrets

# A management link, the address of a calendar, or a token in a query string.
IN_ADDRESSES = re.compile(r"""(?:(?<=/open/)|(?<=/calendar/))[^/\s"'?]+|(?<=access_token=)[^&\s"']+""", re.IGNORECASE)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

MAX_TEXT_LENGTH = 8 * 1024  # characters of one value
MAX_TRACEBACK_LENGTH = 32 * 1024  # characters
MAX_ITEMS = 50  # of a list or mapping
MAX_ITEM_LENGTH = 1024  # characters of each
MAX_DEPTH = 3  # of lists and mappings in each other
MAX_NUMBER_BITS = 64


def level(text: str) -> str:
    """Return one of LEVELS, given in any case. Raises ValueError.

    Levels below DEBUG are excluded: uvicorn's TRACE wraps the application in one that answers no HTTP request.
    """
    if text.upper() not in LEVELS:
        raise ValueError(f"give one of {', '.join(LEVELS)}")
    return text.upper()


def configure(level: str) -> None:
    """Send structlog's and the standard library's events to standard error as JSON lines, from `level` on."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    json_lines = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            harmless,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": json_lines},
            "handlers": {"stderr": {"()": LineHandler, "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
        }
    )


def harmless(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace each value by a short one that JSON has, without secrets."""
    return {name: _harmless(value, MAX_LENGTHS.get(name, MAX_TEXT_LENGTH)) for name, value in event.items()}


def _harmless(value: object, length: int, depth: int = MAX_DEPTH) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, int) and value.bit_length() <= MAX_NUMBER_BITS:
        return int(value)
    if isinstance(value, dict) and depth:
        items = islice(value.items(), MAX_ITEMS)
        return {str(_item(name, 1)): _item(item, depth) for name, item in items}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_item(item, depth) for item in islice(value, MAX_ITEMS)]
    return _scrubbed(_cut(value if isinstance(value, str) else _described(value), length))


def _item(value: object, depth: int) -> object:
    return _harmless(value, MAX_ITEM_LENGTH, depth - 1)


def _described(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # an object's own repr, or a number too long: the line matters more
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"


def _scrubbed(text: str) -> str:
    return without_secrets(IN_ADDRESSES.sub("***", text))


def _traceback(exc_info: ExcInfo) -> str:
    """Return the traceback; a very long one without its middle.

    Cut between whole pieces, because the scrubber recognises no half of a secret.
    """
    pieces = [_cut(piece, MAX_TEXT_LENGTH) for piece in TracebackException(*exc_info).format()]
    first = _as_many(pieces, MAX_TRACEBACK_LENGTH // 4)
    rest = pieces[len(first) :]
    last = _as_many(rest[::-1], MAX_TRACEBACK_LENGTH // 2)[::-1]
    left_out = ["...\n"] if len(last) < len(rest) else []
    return "".join([*first, *left_out, *last]).rstrip("\n")


def _as_many(pieces: list[str], length: int) -> list[str]:
    """Return the first pieces whose total length is at most `length`."""
    taken = []
    for piece in pieces:
        length -= len(piece)
        if length < 0:
            break
        taken.append(piece)
    return taken


def _briefly(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop the traceback of what Django refuses (a host that is not ours, too many fields): not a fault of ours."""
    if event["logger"].startswith("django.security."):
        event.pop("exc_info", None)
    return event


MAX_LENGTHS = {"exception": MAX_TRACEBACK_LENGTH}
SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _briefly,
    structlog.processors.ExceptionRenderer(_traceback),
]
