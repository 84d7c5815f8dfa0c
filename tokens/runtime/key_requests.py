"""Wishes for an issuer's keys after a JWT with an unknown `kid`, for the worker, which fetches them."""

from __future__ import annotations

from collections.abc import Callable

from tokens.storage.pg_connection import Connection

INTERVAL_S = 60  # between two wishes for the same issuer

# Sorted, so that two processes cannot deadlock.
ASK = """
INSERT INTO tokens_issuerkeyrequest (issuer_id, asked_at)
SELECT issuer_id, to_timestamp(asked_at) FROM unnest(%b::bigint[], %b::float8[]) AS g(issuer_id, asked_at)
ORDER BY issuer_id
ON CONFLICT (issuer_id) DO UPDATE SET asked_at = greatest(tokens_issuerkeyrequest.asked_at, excluded.asked_at)
"""


class KeyRequests:
    """Wishes of one process, at most one a minute and issuer; an issuer that a client trusts, so they are few."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked: dict[int, float] = {}
        self._waiting: dict[int, float] = {}

    def ask(self, issuer: int) -> None:
        now = self._clock()
        if now - self._asked.get(issuer, 0.0) >= INTERVAL_S:
            self._asked[issuer] = self._waiting[issuer] = now

    async def flush(self, connection: Connection) -> None:
        """Write the waiting wishes. Those of a failed statement are lost: the next JWT asks again in a minute."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            await connection.run(ASK, [list(waiting), list(waiting.values())])
