"""Detection of a pooler in front of PostgreSQL that gives each transaction another connection.

Settings and locks of a session, and prepared statements, would be in one connection and needed in another: the guards
of the hot path would silently be gone, and a lock could stay held for an hour. So a process refuses to start behind
such a pooler (PgBouncer with `pool_mode = transaction` or `statement`), and says why. A pooler that keeps a connection
for a session is fine.
"""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg

from tokens.storage.pg_connection import KEEPALIVE_PARAMETERS

TIMEOUT_S = 3.0
TRIES = 3

BY_TRANSACTION = (
    "Between Keydesk and PostgreSQL is a pooler that gives each transaction another connection. Use it with "
    "pool_mode = session, or reach PostgreSQL without it (DATABASE_URL)."
)
TOO_FEW = (
    "Between Keydesk and PostgreSQL is a pooler that gives too few connections. Let it give each session one "
    "(pool_mode = session, and a pool of the size that docs/operations.md tells), or reach PostgreSQL without it."
)


class UnsafePooler(Exception):
    """Unsuitable pooler; the message says what is wrong and what to do."""


async def refuse_unsafe(parameters: dict[str, Any]) -> None:
    """Raise UnsafePooler for a pooler of transactions. A database that does not answer raises nothing."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            first = await _connect(parameters)
    except (psycopg.Error, TimeoutError):
        return
    try:
        if await _backend(first) == first.info.backend_pid:
            return  # a direct connection: PgBouncer reports a number of its own
        async with asyncio.timeout(TIMEOUT_S):
            is_kept = await _keeps_its_backend(first, parameters)
    except TimeoutError as error:
        raise UnsafePooler(TOO_FEW) from error
    except psycopg.Error as error:
        if "statement pooling" not in str(error):  # that mode refuses every transaction
            return
        is_kept = False
    finally:
        await first.close()
    if not is_kept:
        raise UnsafePooler(BY_TRANSACTION)


async def _keeps_its_backend(first: psycopg.AsyncConnection[Any], parameters: dict[str, Any]) -> bool:
    """Return whether the session keeps its backend while another session holds a transaction on a free one."""
    second = await _connect(parameters)
    try:
        for _ in range(TRIES):
            before = await _backend(first)
            async with second.transaction():
                await _backend(second)
                if await _backend(first) != before:
                    return False
        return True
    finally:
        await second.close()


async def _connect(parameters: dict[str, Any]) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(
        **KEEPALIVE_PARAMETERS | parameters, autocommit=True, prepare_threshold=None
    )


async def _backend(connection: psycopg.AsyncConnection[Any]) -> int:
    cursor = await connection.execute("SELECT pg_backend_pid()")
    ((pid,),) = await cursor.fetchall()
    return int(pid)
