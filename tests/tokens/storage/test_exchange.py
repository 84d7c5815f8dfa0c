"""Statements and rows as they go to PostgreSQL and come back: by libpq, with parameters as text."""

from __future__ import annotations

import asyncio
import math
import os
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any

import psycopg
import pytest
import uvloop

from tokens.policy import from_settings
from tokens.storage.pg_connection import SESSION_SETTINGS, Connection
from tokens.storage.pg_exchange import Exchange, Parameter

TEXTS = [
    "plain",
    "",
    "NULL",
    "null",
    'a "quoted" \\ one',
    "{a,b}",
    " , ",
    "new\nline\ttab",
    "é 漢 😀",
    "'; DROP TABLE x; --",
    "%b $1",
]
NUMBERS = [0, 1, -1, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -1.5, 1e300, 5e-324, 1_800_000_000.123456, math.inf]
BYTES = [b"", b"\0", bytes(range(256)), b"\\x00"]


class Database:
    """A connection, and the event loop that it lives in."""

    def __init__(self, runner: asyncio.Runner, **parameters: Any) -> None:
        self.runner, self.connection = runner, Connection({**from_settings().database, **parameters})

    def run(self, statement: str, parameters: Sequence[Parameter]) -> list[tuple[Any, ...]]:
        return self.runner.run(self.connection.run(statement, parameters))  # type: ignore[arg-type]  # made up by tests

    def look_at_its_socket(self) -> None:
        """As the event loop of a server does before each of its turns, and so before a batch leaves."""
        self.runner.run(asyncio.sleep(0.01))


@pytest.fixture(params=[None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def database(transactional_db: None, request: pytest.FixtureRequest) -> Iterator[Database]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        database = Database(runner)
        yield database
        database.connection.close()


@pytest.mark.parametrize(
    ("kind", "values"), [("text", TEXTS), ("bigint", NUMBERS), ("float8", FLOATS), ("bytea", BYTES), ("text", [])]
)
def test_every_value_comes_back_as_it_was_sent(database: Database, kind: str, values: list[object]) -> None:
    statement = f"SELECT value FROM unnest(%b::{kind}[]) WITH ORDINALITY AS g(value, n) ORDER BY n"
    rows = database.run(statement, [values])  # type: ignore[list-item]  # of one type each
    assert [value for (value,) in rows] == values


def test_parameters_that_are_no_lists_keep_their_order_and_may_be_null(database: Database) -> None:
    statement = "SELECT %b::bigint, %b::text, %b::text, %b::float8"
    assert database.run(statement, [7, None, "seven", 7.5]) == [(7, None, "seven", 7.5)]


def test_more_than_a_socket_holds_at_once_is_sent_and_answered(database: Database) -> None:
    texts = ["x" * 1_000] * 8_000
    statement = "SELECT value FROM unnest(%b::text[]) AS g(value)"
    assert len(database.run(statement, [texts])) == 8_000


def test_nul_is_refused_before_it_is_sent(database: Database) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        database.run("SELECT %b::text", ["a\0b"])


def test_a_statement_that_fails_says_why_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        database.run("SELECT 1 / %b::bigint", [0])
    assert database.run("SELECT 1 / %b::bigint", [1]) == [(1,)]


def test_a_statement_is_prepared_once(database: Database) -> None:
    for number in range(3):
        database.run("SELECT %b::bigint", [number])
    prepared = [text for (text,) in database.run("SELECT statement FROM pg_prepared_statements", [])]
    assert len([text for text in prepared if re.fullmatch(r"SELECT \$1::bigint", text)]) == 1


def test_a_connection_that_the_server_has_closed_is_opened_again_unasked(database: Database) -> None:
    ((pid,),) = database.run("SELECT pg_backend_pid()", [])
    with psycopg.connect(**from_settings().database, autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)
    database.look_at_its_socket()
    ((again,),) = database.run("SELECT pg_backend_pid()", [])
    assert again != pid


def test_the_guards_are_set_by_a_statement_and_not_by_the_start(database: Database) -> None:
    shown = "SELECT current_setting(%b::text)"
    for name, value in {**SESSION_SETTINGS, "synchronous_commit": "on"}.items():
        assert database.run(shown, [name]) == [(value,)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = {"host": "127.0.0.1", "port": server.getsockname()[1], "sslmode": "disable", "gssencmode": "disable"}
        connecting = Connection({**from_settings().database, **there})
        Thread(target=ask_in_vain, args=[connecting], daemon=True).start()
        first = server.accept()[0].recv(10_000)
    assert b"user" in first
    assert b"options" not in first


def ask_in_vain(connecting: Connection) -> None:
    with suppress(psycopg.Error, TimeoutError):
        asyncio.run(connecting.run("SELECT 1", []))


@pytest.mark.parametrize("level", ["on", "remote_apply"])
def test_a_commit_waits_for_what_the_setting_says_whatever_the_role_has(database: Database, level: str) -> None:
    less = Connection({**from_settings().database, "options": "-c synchronous_commit=off"}, level)
    shown = "SELECT current_setting('synchronous_commit')"
    assert database.runner.run(less.run(shown, [])) == [(level,)]
    less.close()


def test_a_lost_connection_leaves_alone_who_gets_its_socket_number(database: Database) -> None:
    """libpq closes the socket of a connection that is lost, and its number is the next one to be given out."""

    async def scenario() -> bytes:
        loop = asyncio.get_running_loop()
        connection = await psycopg.AsyncConnection.connect(**from_settings().database, autocommit=True)
        exchange = Exchange(connection)
        number = connection.pgconn.socket
        pid = connection.info.backend_pid
        sleeping = loop.create_task(exchange.run("SELECT pg_sleep(30)", []))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(end_session, pid)
        with pytest.raises(psycopg.OperationalError):
            await sleeping
        ours, theirs = sorted(socket.socketpair(), key=lambda end: end.fileno() != number)
        if ours.fileno() != number:
            os.dup2(ours.detach(), number)
            ours = socket.socket(fileno=number)
        reader, writer = await asyncio.open_connection(sock=ours)
        exchange.close()
        theirs.sendall(b"still read")
        async with asyncio.timeout(2):
            received = await reader.read(100)
        writer.close()
        theirs.close()
        return received

    assert database.runner.run(scenario()) == b"still read"


def end_session(pid: int) -> None:
    with psycopg.connect(**from_settings().database, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_hosts_that_do_not_answer_leave_time_for_the_one_that_does(transactional_db: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, asyncio.Runner() as runner:
        port, good = deaf.getsockname()[1], from_settings().database
        hosts = f"127.0.0.1,127.0.0.1,{good['host']}"
        database = Database(runner, host=hosts, port=f"{port},{port},{good.get('port', 5432)}")
        assert database.run("SELECT 1", []) == [(1,)]
        database.connection.close()
        began = time.monotonic()
        assert database.run("SELECT 1", []) == [(1,)]  # the one that answered is asked first
        assert time.monotonic() - began < 1
        database.connection.close()


def test_failures_that_go_on_are_one_line_a_second_and_say_why(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    with asyncio.Runner() as runner:
        database = Database(runner, dbname="gone", user="keydesk")
        for _ in range(50):
            with pytest.raises(psycopg.OperationalError):
                database.run("SELECT 1", [])
    lines = [record for record in caplog.records if "database_failed" in record.getMessage()]
    assert 1 <= len(lines) < 10
    assert 'database "gone" does not exist' in caplog.text
