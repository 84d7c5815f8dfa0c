"""Poolers between Keydesk and PostgreSQL: by session they work with all guards, by transaction they are refused."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest

from dev.servers import stack
from dev.servers.sockets import free_port
from tests.tokens.support.pooling import pgbouncer, pgbouncer_program, pooler
from tokens.policy import from_settings
from tokens.storage.pg_connection import SESSION_SETTINGS, Connection
from tokens.storage.pooler import UnsafePooler, refuse_unsafe

pytestmark = pytest.mark.django_db(transaction=True)

BY_SESSION: dict[str, Callable[[], AbstractContextManager[dict[str, Any]]]] = {
    "like PgBouncer": lambda: pooler(by_session=True),
    "PgBouncer": lambda: pgbouncer("session"),
}
NOT_BY_SESSION: dict[str, Callable[[], AbstractContextManager[dict[str, Any]]]] = {
    "like PgBouncer": lambda: pooler(by_session=False),
    "PgBouncer by transaction": lambda: pgbouncer("transaction"),
    "PgBouncer by statement": lambda: pgbouncer("statement"),
    "PgBouncer with one connection": lambda: pgbouncer("transaction", size=1),
}


def is_here(name: str) -> bool:
    if name.startswith("PgBouncer") and pgbouncer_program() is None:
        warnings.warn("pgbouncer is not installed here: it was not tried", stacklevel=2)
        return False
    return True


def test_without_a_pooler_nothing_is_refused() -> None:
    asyncio.run(refuse_unsafe(from_settings().database))


def test_of_a_database_that_is_away_nothing_is_known() -> None:
    asyncio.run(refuse_unsafe({"host": "127.0.0.1", "port": 9, "dbname": "gone"}))


@pytest.mark.parametrize("name", BY_SESSION)
def test_by_session_it_works(name: str) -> None:
    if is_here(name):
        with BY_SESSION[name]() as parameters:
            with psycopg.connect(**parameters) as through:
                assert through.execute("SELECT 1").fetchone() == (1,)
            asyncio.run(refuse_unsafe(parameters))


@pytest.mark.parametrize("name", NOT_BY_SESSION)
def test_by_transaction_it_is_refused_with_the_reason(name: str) -> None:
    if is_here(name):
        with NOT_BY_SESSION[name]() as parameters, pytest.raises(UnsafePooler, match="pool_mode = session"):
            asyncio.run(refuse_unsafe(parameters))


def test_through_pgbouncer_the_guards_of_the_hot_path_are_on(django_db_setup: None) -> None:
    async def shown(parameters: dict[str, Any]) -> dict[str, str]:
        through = Connection(parameters)
        question = "SELECT current_setting(%b::text)"
        try:
            return {
                name: (await through.run(question, [name]))[0][0] for name in (*SESSION_SETTINGS, "synchronous_commit")
            }
        finally:
            through.close()

    if is_here("PgBouncer"):
        with pgbouncer("session") as parameters:
            assert asyncio.run(shown(parameters)) == {**SESSION_SETTINGS, "synchronous_commit": "on"}


def url(parameters: dict[str, Any]) -> str:
    given = {name: value for name, value in parameters.items() if name not in ("host", "port", "user", "dbname")}
    host = f"{parameters['host']}:{parameters['port']}"
    return f"postgres://{parameters['user']}@{host}/{quote(parameters['dbname'])}?{urlencode(given)}"


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "tokens.serving.cli", "--port", "{port}"],
        ["-m", "portal.serving.cli", "--port", "{port}"],
        ["-m", "celery", "-A", "portal", "worker", "--concurrency", "1"],
        ["manage.py", "check", "--database", "default"],
    ],
    ids=["tokens", "web", "worker", "check"],
)
def test_no_process_starts_behind_one_that_gives_transactions_connections(command: list[str]) -> None:
    with pooler(by_session=False) as parameters:
        done = subprocess.run(
            [sys.executable, *(part.format(port=free_port()) for part in command)],
            cwd=stack.ROOT,
            env={**os.environ, "DATABASE_URL": url(parameters), "OPERATIONS_PORT": "0"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode != 0
    assert "pool_mode = session" in done.stdout + done.stderr
