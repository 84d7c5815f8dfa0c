"""Write-behind: a slow or hanging write delays neither the rest nor the end (docs/decisions/0005)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from threading import Thread
from time import monotonic
from types import SimpleNamespace
from typing import Any, TextIO

import pytest
from django.db import connection

from foundation import log_stream
from foundation.log_stream import LogStream
from tests.tokens.support.connected import eventually
from tests.tokens.support.wire import PATH, Clock, Wire, basic, running
from tokens.models import JournalEntry, UsageDay
from tokens.policy import from_settings
from tokens.protocol.http import Request
from tokens.runtime.services import Services
from tokens.serving.application import Application

LINES = 400  # many more than a pipe holds that nobody reads


class Pipe:
    """A log sink that is not read until `read`."""

    def __init__(self) -> None:
        self._read_end, write_end = os.pipe()
        self._stream: TextIO = os.fdopen(write_end, "w")
        self.log = LogStream(self._stream)
        self._text = ""
        self._reader = Thread(target=self._read_all, daemon=True)

    def read(self) -> None:
        if self._reader.ident is None:
            self._reader.start()

    def text(self) -> str:
        """All that was written, once the process has ended."""
        self.read()
        self.log.finish()
        self._stream.close()
        self._reader.join(timeout=10)
        return self._text

    def _read_all(self) -> None:
        with os.fdopen(self._read_end) as reader:
            self._text = reader.read()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.read()  # for a thread that still writes


@contextmanager
def working(clock: Clock, pipe: Pipe, **configuration: Any) -> Iterator[Wire]:
    """A process that writes behind by itself, as in production."""
    unlimited = replace(from_settings(), client_limit=None, failure_limit=None)
    application = Application(Services(replace(unlimited, **configuration), clock, pipe.log))
    application._logs_access = True
    with running(application, clock, StringIO()) as wire:
        yield wire


def refuse(wire: Wire, authorization: str, times: int) -> None:
    """So many requests with a wrong secret. Each is a line of the access log."""

    async def ask() -> None:
        for _each in range(times):
            headers = {"content-type": "application/x-www-form-urlencoded", "authorization": authorization}
            request = Request("POST", f"{PATH}token", "", headers, "192.0.2.10", b"grant_type=client_credentials")
            assert (await wire.application.answer(request)).status == 401

    wire.loop.run(ask())


def test_the_journal_and_the_counts_are_written_while_the_log_is_not_read(pipe, clock, client):
    with working(clock, pipe) as wire:
        refuse(wire, basic(client.client_id, "wrong"), LINES)
        assert eventually(lambda: counted() == LINES)
        assert JournalEntry.objects.exists()
        pipe.read()


@contextmanager
def only_reading() -> Iterator[None]:
    """Give new connections a database like one whose place another has taken (a failover)."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        try:
            yield
        finally:
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


def test_the_journal_and_counts_are_kept_while_the_database_only_reads(pipe, clock, client, caplog):
    with working(clock, pipe) as wire:
        with only_reading():
            refuse(wire, basic(client.client_id, "wrong"), 3)
            assert eventually(lambda: "read-only transaction" in caplog.text)
        assert eventually(lambda: counted() == 3)
        assert JournalEntry.objects.count() == 3
        pipe.read()


def test_the_log_goes_on_when_its_reader_does(pipe, clock, client):
    with working(clock, pipe) as wire:
        for times in (LINES, 5):
            refuse(wire, basic(client.client_id, "wrong"), times)
            assert eventually(lambda: counted() >= LINES)
        pipe.read()
    lines = [json.loads(line) for line in pipe.text().splitlines()]
    assert len({line["request_id"] for line in lines}) == LINES + 5


def test_of_much_that_nobody_reads_the_latest_is_dropped(pipe, monkeypatch):
    monkeypatch.setattr(log_stream, "MAX_WAITING_CHARACTERS", 400_000)
    for number in range(2 * LINES):
        pipe.log.write(f"{number:999}\n")
    pipe.read()
    pipe.log.finish()
    pipe.log.write("after that\n")
    *first, dropped, last = pipe.text().splitlines()
    assert 400 <= len(first) < 2 * LINES
    assert [int(line) for line in first] == list(range(len(first)))
    said = json.loads(dropped)
    assert (said["event"], said["lines"]) == ("log_lines_dropped", 2 * LINES - len(first))
    assert last == "after that"


def test_a_line_that_interrupts_another_does_not_block(pipe, monkeypatch):
    """As when a finaliser logs, which Python may run between any two steps."""
    waiting = pipe.log.queue

    def interrupted(text: str) -> None:
        monkeypatch.undo()
        pipe.log.write("from a finaliser\n")
        waiting.put_nowait(text)

    monkeypatch.setattr(pipe.log, "queue", SimpleNamespace(put_nowait=interrupted))
    writer = Thread(target=pipe.log.write, args=("a line\n",), daemon=True)
    writer.start()
    writer.join(timeout=10)
    assert not writer.is_alive()
    assert pipe.text().splitlines() == ["from a finaliser", "a line"]


def test_a_log_that_nobody_reads_does_not_hold_up_the_end(pipe, clock, client):
    with working(clock, pipe) as wire:
        refuse(wire, basic(client.client_id, "wrong"), LINES)
        assert eventually(lambda: counted() == LINES)
        refuse(wire, basic(client.client_id, "wrong"), 1)
        began = monotonic()
    assert monotonic() - began < 3
    assert counted() == LINES + 1


ENDS_WHILE_IT_WRITES = """
from foundation.log_stream import standard_error

log = standard_error()
for number in range(4000):
    log.write("one of many lines\\n" * 20)
"""


def test_python_does_not_wait_at_its_exit_for_the_thread_that_writes():
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen([sys.executable, "-c", ENDS_WHILE_IT_WRITES], stderr=subprocess.PIPE, env=env) as process:
        assert process.wait(timeout=10) == 0


def test_python_writes_at_its_exit_what_waits():
    done = subprocess.run([sys.executable, "-c", ENDS_WHILE_IT_WRITES], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "one of many lines\n" * 80_000)


def test_a_character_that_no_encoding_has_does_not_end_the_log():
    script = r"from foundation.log_stream import standard_error; standard_error().write('\ud800\nand more')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "\\ud800\nand more")


def counted() -> int:
    return sum(UsageDay.objects.values_list("refused", flat=True))
