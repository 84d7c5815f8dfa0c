"""When each credential was last used, and how many tokens and refusals there were a day: counted in memory, written
behind. A process that is killed forgets the last second of it; nothing is decided by these numbers.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import psycopg
from psycopg.errors import ReadOnlySqlTransaction

from tokens.connection import Connection

# Sorted, so that two processes that write the same rows wait for each other in the same order.
ADD = """
WITH given AS (
    SELECT * FROM unnest(
        %b::bigint[], %b::text[], %b::date[], %b::bigint[], %b::bigint[], %b::bigint[], %b::float8[]
    ) AS g(client_id, credential, day, issued, refused, uses, last_used_at)
), days AS (
    INSERT INTO tokens_usageday (client_id, day, credential, issued, refused)
    SELECT client_id, day, credential, issued, refused FROM given WHERE issued + refused > 0
    ORDER BY client_id, day, credential
    ON CONFLICT (client_id, day, credential) DO UPDATE
    SET issued = tokens_usageday.issued + excluded.issued, refused = tokens_usageday.refused + excluded.refused
)
INSERT INTO tokens_credentialuse (credential, client_id, last_used_at, uses)
SELECT credential, client_id, to_timestamp(max(last_used_at)), sum(uses) FROM given WHERE uses > 0
GROUP BY credential, client_id
ORDER BY credential
ON CONFLICT (credential) DO UPDATE
SET uses = tokens_credentialuse.uses + excluded.uses,
    last_used_at = greatest(tokens_credentialuse.last_used_at, excluded.last_used_at)
"""


class Count:
    __slots__ = ("issued", "last_used_at", "refused", "uses")

    def __init__(self) -> None:
        self.issued = self.refused = self.uses = 0
        self.last_used_at = 0.0


Key = tuple[int, str, int]  # client, credential, day since 1970


class Usage:
    def __init__(self) -> None:
        self._counts: dict[Key, Count] = {}

    def used(self, client: int, credential: str, now: float, *, issued: int = 0) -> None:
        """The credential proved the client; `issued` tokens came of it."""
        count = self._count(client, credential, now)
        count.uses += 1
        count.issued += issued
        count.last_used_at = now

    def refused(self, client: int, now: float) -> None:
        self._count(client, "", now).refused += 1

    def _count(self, client: int, credential: str, now: float) -> Count:
        key = (client, credential, int(now // 86_400))
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = Count()
        return count

    async def flush(self, connection: Connection) -> None:
        """Adds what was counted in one statement; keeps it for later if the database is away, or a copy that reads.

        Raises psycopg.Error or TimeoutError.
        """
        counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            await connection.run(ADD, _columns(counts))
        except (psycopg.OperationalError, ReadOnlySqlTransaction, TimeoutError):
            self._put_back(counts)
            raise

    def _put_back(self, counts: dict[Key, Count]) -> None:
        for key, old in counts.items():
            new = self._counts.setdefault(key, old)
            if new is not old:
                new.issued += old.issued
                new.refused += old.refused
                new.uses += old.uses


def _columns(counts: dict[Key, Count]) -> list[list[Any]]:
    rows = [
        (client, credential, _date(day), count.issued, count.refused, count.uses, count.last_used_at)
        for (client, credential, day), count in sorted(counts.items(), key=lambda item: item[0])
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _date(day: int) -> date:
    return datetime.fromtimestamp(day * 86_400, tz=UTC).date()
