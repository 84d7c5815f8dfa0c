"""What a line of the process log says: enough for a fault of ours, no more than a line for a fault of others."""

import json
import logging
from typing import Any

import pytest
import structlog
from django.test import Client as Browser


def written(record: logging.LogRecord) -> dict[str, Any]:
    """The line, as the process writes it to its standard error."""
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    ours = next(f for f in formatters if isinstance(f, structlog.stdlib.ProcessorFormatter))
    return json.loads(ours.format(record))


def test_a_host_that_is_not_ours_takes_one_line(caplog: pytest.LogCaptureFixture) -> None:
    assert Browser().get("/", headers={"Host": "elsewhere.example"}).status_code == 400
    (record,) = [record for record in caplog.records if record.name == "django.security.DisallowedHost"]
    line = written(record)
    assert "elsewhere.example" in line["event"]
    assert "exception" not in line


def test_a_fault_of_ours_has_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("django.request").exception("Internal Server Error")
    assert "ZeroDivisionError" in written(caplog.records[-1])["exception"]
