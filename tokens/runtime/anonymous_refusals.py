"""Refused HTTP requests without a known client, kept for a day for holders of their number (PROTOCOL R-30).

Strangers cause these, so they are written behind and bounded: per minute, of one network and in total, in memory, and
in the table (tokens/tasks.py). The number is 128 random bits that only the answer holds. A row has no secret and
nothing about a client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.errors import ReadOnlySqlTransaction

from foundation.ip_addresses import network
from tokens.protocol.errors import Refused, as_json
from tokens.protocol.http import Request
from tokens.storage import metrics
from tokens.storage.pg_connection import Connection

MAX_PER_MINUTE = 300  # in each process
MAX_PER_MINUTE_OF_NETWORK = 20
MAX_WAITING_ENTRIES = 1_000  # entries in memory

INSERT = """
INSERT INTO tokens_anonymousrefusal (why, request_id, at, endpoint, status, error, rule, facts, address)
SELECT why, request_id, to_timestamp(at), endpoint, status, error, rule, facts::jsonb, nullif(address, '')::inet
FROM unnest(
    %b::text[], %b::text[], %b::float8[], %b::text[], %b::int[], %b::text[], %b::text[], %b::text[], %b::text[]
) AS g(why, request_id, at, endpoint, status, error, rule, facts, address)
ON CONFLICT DO NOTHING
"""


class AnonymousRefusals:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: list[tuple[Any, ...]] = []
        self._kept: Counter[str] = Counter()
        self._minute = 0

    def add(self, request: Request, refusal: Refused, answered: Refused, status: int) -> None:
        """Keep a refusal, if there is room. `answered` and `status`: refusal and HTTP status of the answer."""
        now = self._clock()
        if not self._has_room(request.address, int(now // 60)):
            metrics.JOURNAL_DROPPED.inc()
            return
        self._waiting.append((
            request.why, request.id, now, request.endpoint, status, answered.error, refusal.rule.value,
            as_json(refusal.facts), request.address,
        ))  # fmt: skip

    async def flush(self, connection: Connection) -> None:
        """Write the waiting entries in one statement; keep them if the database is away or read-only.

        Raises psycopg.Error or TimeoutError.
        """
        rows, self._waiting = self._waiting, []
        if not rows:
            return
        try:
            await connection.run(INSERT, [list(column) for column in zip(*rows, strict=True)])
        except (psycopg.OperationalError, ReadOnlySqlTransaction, TimeoutError):
            self._waiting = (rows + self._waiting)[:MAX_WAITING_ENTRIES]
            raise

    def _has_room(self, address: str, minute: int) -> bool:
        if minute != self._minute:
            self._minute = minute
            self._kept.clear()
        here = network(address) or "-"
        if (
            self._kept[""] >= MAX_PER_MINUTE
            or self._kept[here] >= MAX_PER_MINUTE_OF_NETWORK
            or len(self._waiting) >= MAX_WAITING_ENTRIES
        ):
            return False
        self._kept[""] += 1
        self._kept[here] += 1
        return True
