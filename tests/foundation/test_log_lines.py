"""Lines of the process log: full for a fault of ours, a single line for a fault of others."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog
from django.test import Client as Browser

from foundation.log_lines import LineHandler, PlainLine
from foundation.secret_format import generate
from portal.config import log_format
from tests.support.clock import seconds_taken

BUDGET = 0.05  # CPU seconds
BAIT = ("eyJ", "eyJ.", "kds_", "/open/", "/open/a/", "access_token=", "\\", '"', "\n", "\ud800", "é", "%s", " ")


def parsed(text: str) -> dict[str, Any]:
    return json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


def usual_handler() -> LineHandler:
    (handler,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)]
    return handler


def written(record: logging.LogRecord) -> dict[str, Any]:
    """The line, as the process writes it to its standard error."""
    return parsed(usual_handler().format(record))


class Lines:
    """A logger with the usual handler alone: pytest's would try to put into words what it is given."""

    name = "tests.lines"

    def __init__(self) -> None:
        self.handler = LineHandler()
        self.handler.setFormatter(usual_handler().formatter)
        self.log = structlog.wrap_logger(self)

    def line(self, event: str, **values: object) -> dict[str, Any]:
        written = io.StringIO()
        self.handler.setStream(written)
        self.log.warning(event, **values)
        (text,) = written.getvalue().splitlines()
        return parsed(text)

    def warning(self, event: object, *arguments: object, **more: Any) -> None:
        """Handle an event, as structlog calls it at the end of its part."""
        make = logging.getLogger(self.name).makeRecord
        self.handler.handle(
            make(self.name, logging.WARNING, "", 0, event, arguments, more.get("exc_info"), extra=more.get("extra"))
        )


@pytest.fixture
def log() -> Lines:
    return Lines()


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


def test_a_very_long_traceback_keeps_its_beginning_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    def begin(depth: int) -> None:
        return go_on(depth - 1)

    def go_on(depth: int) -> None:
        if depth > 0:
            return begin(depth - 1)
        raise ValueError("the end of it" + "x" * 100_000)

    try:
        begin(400)
    except ValueError:
        logging.getLogger("test").exception("failed")
    shown = written(caplog.records[-1])["exception"]
    assert len(shown) < log_format.MAX_TRACEBACK_LENGTH
    assert shown.startswith("Traceback (most recent call last):")
    assert "test_a_very_long_traceback" in shown
    assert "\n...\n" in shown
    assert "ValueError: the end of it" in shown


# --- Whatever a value is ----------------------------------------------------------------------------------------------


class WithoutWords:
    def __repr__(self) -> str:
        raise RuntimeError


VALUES = {
    "a number that JSON has not": float("nan"),
    "an infinite one": float("-inf"),
    "one too long for Python to write": 10**5000,
    "bytes": b"\xff\x00",
    "a nest": [[[[[[[]]]]]]],
    "mixed": {1: {"a": (None, True, 2, 0.5)}, None: {"x"}},
    "what has no words": WithoutWords(),
    "lone surrogates": "\ud800",
    "many": list(range(100_000)),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_line_is_json_whatever_a_value_is(log: Lines, value: object) -> None:
    shown = log.line("happened", value=value)
    assert shown["event"] == "happened"
    assert len(json.dumps(shown)) < 10_000


def test_a_value_is_cut_and_says_how_long_it_was(log: Lines) -> None:
    shown = log.line("x" * 100_000, other="y" * 100_000)
    for name in ("event", "other"):
        assert len(shown[name]) < log_format.MAX_TEXT_LENGTH + 50
        assert shown[name].endswith("... (100000 characters)")


def test_what_opens_something_is_taken_out_of_every_value(log: Lines) -> None:
    secret = generate()
    shown = log.line(
        f"it was {secret}", b=[f"x {secret}"], c={secret: {"d": f"/open/{secret}/"}}, e=ValueError(secret),
        f=f"?access_token={secret[8:]}&x=1", g={"h": {"i": {"j": {"k": secret}}}},
    )  # fmt: skip
    assert secret[8:30] not in json.dumps(shown)
    assert "x=1" in shown["f"]


def test_a_secret_where_a_value_is_cut_is_of_no_use(log: Lines) -> None:
    secret = generate()
    for kept in range(len(secret)):
        shown = log.line(" " * (log_format.MAX_TEXT_LENGTH - kept) + secret)
        assert secret[:24] not in shown["event"]


@pytest.mark.parametrize("piece", BAIT)
def test_no_line_takes_long_to_write(log: Lines, piece: str) -> None:
    text = piece * (512 * 1024 // len(piece))
    try:
        raise ValueError(text)
    except ValueError as error:
        failed = error
    for values in ({"event": text}, {"event": "x", "value": text}, {"event": "x", "many": [text] * 3},
                   {"event": "x", "exc_info": failed}, {"event": "x", "value": {text: text}}):  # fmt: skip
        write = lambda: log.line(**values)  # noqa: B023, E731
        assert seconds_taken(write, good_enough=BUDGET) < BUDGET, list(values)


def test_a_line_that_cannot_be_made_is_told_in_one(capsys: pytest.CaptureFixture[str]) -> None:
    handler = LineHandler()
    handler.setFormatter(PlainLine())
    secret = generate()
    handler.handle(logging.LogRecord("library", logging.INFO, "", 0, f"%d {secret}", ("no number",), None))
    (shown,) = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert (shown["event"], shown["logger"], shown["level"]) == ("log_line_lost", "library", "error")
    assert "TypeError" in shown["exception"]
    assert secret[:20] not in json.dumps(shown)


# --- Of an HTTP request -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/nothing/", "get", 404), ("/healthz/", "post", 404), ("/privacy/", "post", 405)]
)
@pytest.mark.django_db
def test_each_refusal_has_the_id_and_the_address(
    caplog: pytest.LogCaptureFixture, path: str, method: str, status: int
) -> None:
    answer = getattr(Browser(REMOTE_ADDR="192.0.2.7"), method)(path)
    assert answer.status_code == status
    (record,) = [record for record in caplog.records if record.name == "django.request"]
    shown = written(record)
    assert (shown["request_id"], shown["address"]) == (answer["X-Request-Id"], "192.0.2.7")


@pytest.mark.django_db
def test_the_access_log_has_a_line_per_http_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "portal.access")
    paths = ("/privacy/?q=Lotte", f"/open/{'x' * 43}/", f"/calendar/{'x' * 43}.ics", "/static/no.css")
    answers = [Browser().get(path) for path in paths]
    shown = [written(record) for record in caplog.records if record.name == "portal.access"]
    assert [(line["path"], line["status"]) for line in shown] == [
        ("/privacy/", 200), ("/open/***/", 404), ("/calendar/***", 404), ("/static/no.css", 404)
    ]  # fmt: skip
    assert [line["request_id"] for line in shown] == [answer["X-Request-Id"] for answer in answers]
    assert "Lotte" not in json.dumps(shown)


@pytest.mark.parametrize(
    ("given", "proxies", "is_followed"),
    [
        ("4c1f2e77-edge.01", 1, True), ("4c1f2e77-edge.01", 0, False), ("short", 1, False), ("x" * 65, 1, False),
        ('x" y"{}{}{}', 1, False), ("4c1f2e77,4c1f2e78", 1, False), ("", 1, False),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_the_id_that_a_trusted_proxy_gave_is_followed_to_the_page(settings, given, proxies, is_followed) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    answer = Browser().get("/privacy/", headers={"X-Request-Id": given})
    assert (answer["X-Request-Id"] == given) == is_followed
    assert len(answer["X-Request-Id"]) >= 8
