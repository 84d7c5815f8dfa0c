"""Lease of a process on the primary, required for look-ups where PostgreSQL replicates (docs/decisions/0010).

A look-up needs no commit, so a former primary that was replaced would go on to answer. But it cannot commit any more,
because no standby confirms. So each process commits once a second, and answers look-ups only if such a commit, on the
same server, was begun less than `LOOKUP_LEASE` seconds ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from tokens.storage.pg_connection import Connection
from tokens.storage.sql import LEASE

RENEWAL_INTERVAL_S = 1.0
LATE_AFTER_S = 3.0  # a commit that takes longer waits for a standby


class Lease:
    """Lease for one event loop. `duration` in seconds; 0: look-ups need no lease."""

    def __init__(self, connection: Connection, duration: float, clock: Callable[[], float] = monotonic) -> None:
        self._connection, self._duration, self._clock = connection, duration, clock
        self._renewing: asyncio.Task[None] | None = None
        self._asked_at = -RENEWAL_INTERVAL_S
        self._confirmed_at = 0.0  # when the last commit that succeeded was sent
        self._confirms = False  # whether commits wait for a standby
        self.server = ""  # the server of that commit

    @property
    def commits_wait(self) -> bool:
        """Return whether commits hang, as without a standby to confirm them."""
        return self._confirms and self._clock() - self._confirmed_at > RENEWAL_INTERVAL_S + LATE_AFTER_S

    async def covers(self, server: str) -> bool:
        """Return whether answers of this server may be used. A server that is new to the lease is tried first."""
        if self._duration and server != self.server:
            await self._share_renewal()
        return not self._duration or (server == self.server and self._is_fresh())

    async def renew(self) -> None:
        """Renew the lease, if it is time. Called in the background. Raises psycopg.Error or TimeoutError."""
        if self._clock() - self._asked_at >= RENEWAL_INTERVAL_S:
            await self._share_renewal()

    def _is_fresh(self) -> bool:
        return not self._confirms or self._clock() - self._confirmed_at <= self._duration

    async def _share_renewal(self) -> None:
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew())
        await asyncio.shield(self._renewing)

    async def _renew(self) -> None:
        try:
            self._asked_at = sent_at = self._clock()
            ((confirms, is_standby, _position),) = await self._connection.run(LEASE, [])
            if not is_standby:
                self.server, self._confirms, self._confirmed_at = self._connection.server, confirms, sent_at
        finally:
            self._renewing = None
