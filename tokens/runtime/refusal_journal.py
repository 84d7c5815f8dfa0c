"""Refusal journal: why HTTP requests of a client were refused, for its contacts. Written behind and bounded.

A flood of refusals must not fill the database, slow the server down, or push a client's real trouble out of its
journal. So a flood is counted in full (tokens/runtime/usage.py) but kept only in part, and each cause has its own
bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.errors import ReadOnlySqlTransaction

from foundation.ip_addresses import network
from tokens.protocol.errors import Refused, Rule, as_json
from tokens.protocol.http import Request
from tokens.storage import metrics
from tokens.storage.pg_connection import Connection

MAX_PER_CAUSE = 40  # entries of a client, a minute, in each process
MAX_PER_ADDRESS = 20  # of those, from one network
MAX_WAITING_ENTRIES = 2_000  # in memory
REMARK_INTERVAL_S = 3600  # between two remarks of the same rule for a client

INSERT = """
INSERT INTO tokens_journalentry (client_id, at, request_id, why, endpoint, status, error, rule, facts, address)
SELECT client_id, to_timestamp(at), request_id, why, endpoint, status, error, rule, facts::jsonb,
       nullif(address, '')::inet
FROM unnest(
    %b::bigint[], %b::float8[], %b::text[], %b::text[], %b::text[], %b::int[], %b::text[], %b::text[], %b::text[],
    %b::text[]
) AS g(client_id, at, request_id, why, endpoint, status, error, rule, facts, address)
"""

Row = tuple[Any, ...]


class Journal:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: list[Row] = []
        self._kept: Counter[tuple[int, Rule, str]] = Counter()
        self._minute = 0
        self._remarked: dict[tuple[int, Rule], float] = {}

    def refusal(self, request: Request, refusal: Refused, answered: Refused, status: int) -> None:
        """Keep a refusal of a known client's HTTP request, if there is room. `answered`, `status`: of the answer."""
        client, now = request.client, self._clock()
        if client is None:
            return
        if not self._has_room(client.id, refusal.rule, request.address, int(now // 60)):
            metrics.JOURNAL_DROPPED.inc()
            return
        self._waiting.append(self._row(
            request, client.id, now, status, answered.error or refusal.rule.value, refusal.rule, refusal.facts
        ))  # fmt: skip

    def remark(self, request: Request, rule: Rule, facts: dict[str, object]) -> None:
        """Keep a remark on an accepted HTTP request (PROTOCOL A-13)."""
        client, now = request.client, self._clock()
        if client is None:
            return
        if (
            now - self._remarked.get((client.id, rule), 0) < REMARK_INTERVAL_S
            or len(self._waiting) >= MAX_WAITING_ENTRIES
        ):
            return
        self._remarked[client.id, rule] = now
        self._waiting.append(self._row(request, client.id, now, 200, "", rule, facts))

    async def flush(self, connection: Connection) -> None:
        """Write the waiting entries in one statement; keep them if the database is away or read-only.

        Raises psycopg.Error or TimeoutError.
        """
        rows, self._waiting = self._waiting, []
        self._forget_old_remarks()
        if not rows:
            return
        try:
            await connection.run(INSERT, [list(column) for column in zip(*rows, strict=True)])
        except (psycopg.OperationalError, ReadOnlySqlTransaction, TimeoutError):
            self._waiting = (rows + self._waiting)[:MAX_WAITING_ENTRIES]
            raise

    def _has_room(self, client: int, rule: Rule, address: str, minute: int) -> bool:
        if minute != self._minute:
            self._minute = minute
            self._kept.clear()
        everywhere, here = (client, rule, ""), (client, rule, network(address) or "-")
        if (
            self._kept[everywhere] >= MAX_PER_CAUSE
            or self._kept[here] >= MAX_PER_ADDRESS
            or len(self._waiting) >= MAX_WAITING_ENTRIES
        ):
            return False
        self._kept[everywhere] += 1
        self._kept[here] += 1
        return True

    def _forget_old_remarks(self) -> None:
        if len(self._remarked) > MAX_WAITING_ENTRIES:
            oldest = self._clock() - REMARK_INTERVAL_S
            self._remarked = {key: at for key, at in self._remarked.items() if at > oldest}

    @staticmethod
    def _row(
        request: Request, client: int, now: float, status: int, error: str, rule: Rule, facts: dict[str, Any]
    ) -> Row:
        return (
            client, now, request.id, request.why, request.endpoint, status, error, rule.value, as_json(facts),
            request.address,
        )  # fmt: skip
