"""One JSON line per event, for the web, the worker and the authorization server alike.

JSON escapes control characters, so a value can never forge a line of its own (CR/LF, ANSI). What opens something is
taken out of every line, whoever wrote it: Django logs the address of each page that it refuses.
"""

import logging.config
import re

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from clients.secretformat import without_secrets

# A management link, and a token in a query string.
IN_ADDRESSES = re.compile(r"""(?<=/open/)[^/\s"'?]+|(?<=access_token=)[^&\s"']+""", re.IGNORECASE)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def level(text: str) -> str:
    """One of LEVELS, in any case. Below them uvicorn traces, by a wrapper in which no request is answered.

    Raises ValueError.
    """
    if text.upper() not in LEVELS:
        raise ValueError(f"give one of {', '.join(LEVELS)}")
    return text.upper()


def briefly(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What Django refuses (a host that is not ours, too many fields) is no fault of ours, so it takes one line."""
    if event["logger"].startswith("django.security."):
        event.pop("exc_info", None)
    return event


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    briefly,
    structlog.processors.format_exc_info,
]


def scrubbed(_logger: WrappedLogger, _method: str, line: EventDict) -> str:
    """The last processor gets the line that the renderer made of the event."""
    return without_secrets(IN_ADDRESSES.sub("***", str(line)))


def configure(level: str) -> None:
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
            structlog.processors.JSONRenderer(ensure_ascii=True),
            scrubbed,
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": json_lines},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
        }
    )
