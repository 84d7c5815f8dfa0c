"""Statements and rows as they go to PostgreSQL and come back: by libpq, with parameters as text."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
import uvloop

from tokens.configuration import from_settings
from tokens.connection import Connection
from tokens.exchange import Parameter

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

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner, self.connection = runner, Connection(from_settings().database)

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
