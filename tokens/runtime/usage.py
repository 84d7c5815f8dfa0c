"""Uses of each credential, tokens issued a day, and refusals an hour by cause; counted in memory, written behind.

A process that is killed loses the last second of counts; nothing is decided by them. All figures of refusals on all
pages come from here, so they agree; the refusal journal holds only a part of a flood.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from psycopg.errors import ReadOnlySqlTransaction

from tokens.storage.pg_connection import Connection

# Rows are sorted, so that two processes that write the same rows cannot deadlock.
ADD_USES = """
WITH given AS (
    SELECT * FROM unnest(%b::bigint[], %b::text[], %b::date[], %b::bigint[], %b::bigint[], %b::float8[])
    AS g(client_id, credential, day, issued, uses, last_used_at)
), days AS (
    INSERT INTO tokens_usageday (client_id, day, credential, issued, refused)
    SELECT client_id, day, credential, issued, 0 FROM given WHERE issued > 0
    ORDER BY client_id, day, credential
    ON CONFLICT (client_id, day, credential) DO UPDATE SET issued = tokens_usageday.issued + excluded.issued
)
INSERT INTO tokens_credentialuse (credential, client_id, last_used_at, uses)
SELECT credential, client_id, to_timestamp(max(last_used_at)), sum(uses) FROM given
GROUP BY credential, client_id
ORDER BY credential
ON CONFLICT (credential) DO UPDATE
SET uses = tokens_credentialuse.uses + excluded.uses,
    last_used_at = greatest(tokens_credentialuse.last_used_at, excluded.last_used_at)
"""
ADD_REFUSALS = """
WITH given AS (
    SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::bigint[], %b::float8[], %b::float8[])
    AS g(client_id, hour, rule, error, refused, first_at, last_at)
), days AS (
    INSERT INTO tokens_usageday (client_id, day, credential, issued, refused)
    SELECT client_id, (to_timestamp(hour * 3600) AT TIME ZONE 'UTC')::date, '', 0, sum(refused) FROM given
    GROUP BY 1, 2
    ORDER BY 1, 2
    ON CONFLICT (client_id, day, credential) DO UPDATE SET refused = tokens_usageday.refused + excluded.refused
)
INSERT INTO tokens_refusalcount (client_id, hour, rule, error, refused, first_at, last_at)
SELECT client_id, to_timestamp(hour * 3600), rule, error, refused, to_timestamp(first_at), to_timestamp(last_at)
FROM given
ORDER BY client_id, hour, rule, error
ON CONFLICT (client_id, hour, rule, error) DO UPDATE
SET refused = tokens_refusalcount.refused + excluded.refused,
    first_at = least(tokens_refusalcount.first_at, excluded.first_at),
    last_at = greatest(tokens_refusalcount.last_at, excluded.last_at)
"""


UseKey = tuple[int, str, int]  # client, credential, day since 1970
RefusalKey = tuple[int, int, str, str]  # client, hour since 1970, rule, error


class Uses:
    __slots__ = ("issued", "last_at", "uses")

    def __init__(self) -> None:
        self.issued = self.uses = 0
        self.last_at = 0.0

    def add(self, other: Uses) -> None:
        self.issued += other.issued
        self.uses += other.uses
        self.last_at = max(self.last_at, other.last_at)


class Refusals:
    __slots__ = ("count", "first_at", "last_at")

    def __init__(self) -> None:
        self.count = 0
        self.first_at = self.last_at = 0.0

    def add(self, other: Refusals) -> None:
        self.count += other.count
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)


class Usage:
    def __init__(self) -> None:
        self._uses: dict[UseKey, Uses] = {}
        self._refusals: dict[RefusalKey, Refusals] = {}

    def used(self, client: int, credential: str, now: float, *, issued: int = 0) -> None:
        """Count an authentication with the credential, and the `issued` tokens that followed."""
        key = (client, credential, int(now // 86_400))
        uses = self._uses.get(key)
        if uses is None:
            uses = self._uses[key] = Uses()
        uses.uses += 1
        uses.issued += issued
        uses.last_at = now

    def refused(self, client: int, rule: str, error: str, now: float) -> None:
        """Count a refused HTTP request; `error` is the OAuth error of the answer."""
        key = (client, int(now // 3600), rule, error)
        refusals = self._refusals.get(key)
        if refusals is None:
            refusals = self._refusals[key] = Refusals()
            refusals.first_at = now
        refusals.count += 1
        refusals.last_at = now

    async def flush(self, connection: Connection) -> None:
        """Add the counts to the database; keep them if it is away or read-only.

        Raises psycopg.Error or TimeoutError.
        """
        uses, self._uses = self._uses, {}
        await _write(connection, ADD_USES, uses, _row_of_uses, self._uses)
        refusals, self._refusals = self._refusals, {}
        await _write(connection, ADD_REFUSALS, refusals, _row_of_refusals, self._refusals)


async def _write[Key: tuple[Any, ...], Count: (Uses, Refusals)](
    connection: Connection,
    statement: str,
    counts: dict[Key, Count],
    row: Callable[[Key, Count], tuple[Any, ...]],
    newer: dict[Key, Count],
) -> None:
    """Write counts. `newer` collects counts meanwhile, and gets these back if they could not be written."""
    if not counts:
        return
    rows = [row(key, count) for key, count in sorted(counts.items(), key=lambda item: item[0])]
    try:
        await connection.run(statement, [list(column) for column in zip(*rows, strict=True)])
    except (psycopg.OperationalError, ReadOnlySqlTransaction, TimeoutError):
        for key, old in counts.items():
            new = newer.setdefault(key, old)
            if new is not old:
                new.add(old)
        raise


def _row_of_uses(key: UseKey, uses: Uses) -> tuple[Any, ...]:
    client, credential, day = key
    return client, credential, _date(day), uses.issued, uses.uses, uses.last_at


def _row_of_refusals(key: RefusalKey, refusals: Refusals) -> tuple[Any, ...]:
    return *key, refusals.count, refusals.first_at, refusals.last_at


def _date(day: int) -> date:
    return datetime.fromtimestamp(day * 86_400, tz=UTC).date()
