"""PostgreSQL on the hot path: whatever waits goes in one statement and one commit (docs/decisions/0005).

Times are seconds since 1970. Everything raises batcher.Unavailable when the database does not answer. Values must be
valid before they come here: one that PostgreSQL refuses fails its whole batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, cast

from tokens.protocol.policy import Configuration
from tokens.storage import metrics
from tokens.storage.batcher import Batcher
from tokens.storage.lease import Lease
from tokens.storage.pg_connection import Connection
from tokens.storage.sql import CLIENTS, ISSUE, LOOK_UP, REVOKE, SCOPES, WRITABLE


class Outcome(Enum):
    DONE = "done"
    STALE = "stale"  # the client is not as this process saw it: nothing was touched
    REPLAYED = "replayed"  # the assertion was used before: nothing was touched


class Issue(NamedTuple):
    """A token to store, an assertion to spend, or both. Empty bytes: no such thing."""

    client: int
    version: int
    digest: bytes = b""
    scope: str = ""
    credential: str = ""
    address: str = ""
    jti_digest: bytes = b""
    jti_expires_at: int = 0


class LookUp(NamedTuple):
    """A token to find, and the client that asks, or 0 and 0 when the bearer asks."""

    digest: bytes
    caller: int = 0
    caller_version: int = 0


class FoundToken(NamedTuple):
    """A token that has not expired nor been revoked, of an active client in the same epoch."""

    client_id: str
    owner_version: int
    epoch: int
    scope: str
    issued_at: int
    expires_at: int


class Revocation(NamedTuple):
    digest: bytes
    client: int
    version: int


class ClientQuery(NamedTuple):
    client_id: str
    known_version: int = 0  # when the client still has it, only that is said


class LeaseEnded(Exception):
    """The server may not be the primary any more: nothing of what it said is answered."""


class Store:
    """Each attribute is a function whose answer is to be awaited: it comes once its batch has been committed."""

    def __init__(self, configuration: Configuration, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._token_lifetime = configuration.token_lifetime
        self._connect = partial(Connection, configuration.database, configuration.synchronous_commit)
        lease = self._connect()
        self.lease = Lease(lease, configuration.lookup_lease)
        self._connections: list[Connection] = [lease]
        # While one batch of tokens is being committed, the next one is on its way.
        self.issue: Callable[[Issue], Awaitable[Outcome]] = self._batched(self._issue, "issue", lanes=2)
        self.look_up: Callable[[LookUp], Awaitable[FoundToken | Outcome | None]]
        self.look_up = self._batched(self._look_up, "look_up", lanes=2)
        self.revoke: Callable[[Revocation], Awaitable[Outcome]] = self._batched(self._revoke, "revoke")
        self.client: Callable[[ClientQuery], Awaitable[tuple[Any, ...] | None]]
        self.client = self._batched(self._clients, "client")
        self._rare: Callable[[frozenset[str] | None], Awaitable[Any]] = self._batched(self._rare_reads, "rare")

    async def offered_scopes(self, names: frozenset[str]) -> frozenset[str]:
        """Of these names those that exist and are not retired; without any, all there are."""
        return cast(frozenset[str], await self._rare(names))

    async def is_writable(self) -> bool:
        """Does the database take writes? A standby does not."""
        return cast(bool, await self._rare(None))

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    async def end(self) -> None:
        """Close all connections, and wait until nothing of them is under way."""
        await asyncio.gather(*(connection.end() for connection in self._connections))

    def _batched(
        self, run: Callable[[Connection, list[Any]], Awaitable[list[Any]]], name: str, *, lanes: int = 1
    ) -> Callable[[Any], Awaitable[Any]]:
        connections = [self._connect() for _ in range(lanes)]
        self._connections += connections
        observe = metrics.BATCH_SIZE.labels(name).observe
        return Batcher([partial(run, connection) for connection in connections], observe=observe).submit

    async def _issue(self, connection: Connection, wanted: list[Issue]) -> list[Outcome]:
        # Of two copies of one assertion in one batch the second is a replay; the statement would let both pass.
        outcomes = [Outcome.STALE] * len(wanted)
        spending: set[tuple[int, bytes]] = set()
        positions = []
        for position, row in enumerate(wanted):
            if row.jti_digest:
                assertion = (row.client, row.jti_digest)
                if assertion in spending:
                    outcomes[position] = Outcome.REPLAYED
                    continue
                spending.add(assertion)
            positions.append(position)
        columns = _columns([wanted[position] for position in positions])
        for position, done in await connection.run(ISSUE, [positions, *columns, self._token_lifetime, self._clock()]):
            outcomes[position] = Outcome.DONE if done else Outcome.REPLAYED
        return outcomes

    async def _look_up(self, connection: Connection, wanted: list[LookUp]) -> list[FoundToken | Outcome | None]:
        answers: list[FoundToken | Outcome | None] = [None] * len(wanted)
        for n, is_current, *found in await connection.run(LOOK_UP, [*_columns(wanted), self._clock()]):
            if wanted[n - 1].caller and not is_current:
                answers[n - 1] = Outcome.STALE
            elif found[0] is not None:
                answers[n - 1] = FoundToken(*found)
        await self._check_lease(connection)
        return answers

    async def _revoke(self, connection: Connection, wanted: list[Revocation]) -> list[Outcome]:
        outcomes = [Outcome.STALE] * len(wanted)
        for (n,) in await connection.run(REVOKE, [*_columns(wanted), self._clock()]):
            outcomes[n - 1] = Outcome.DONE
        await self._check_lease(connection)  # of tokens that it does not have nothing was committed
        return outcomes

    async def _check_lease(self, connection: Connection) -> None:
        """Raises LeaseEnded when what the connection's server said may not be answered."""
        if not await self.lease.covers(connection.server):
            if connection.server != self.lease.server:
                connection.close()  # and the next statement goes where the lease is, or finds out that it cannot
            raise LeaseEnded

    async def _clients(self, connection: Connection, wanted: list[ClientQuery]) -> list[tuple[Any, ...] | None]:
        answers: list[tuple[Any, ...] | None] = [None] * len(wanted)
        for n, *client in await connection.run(CLIENTS, _columns(wanted)):
            answers[n - 1] = tuple(client)
        return answers

    async def _rare_reads(
        self, connection: Connection, wanted: list[frozenset[str] | None]
    ) -> list[frozenset[str] | bool]:
        """Sets of scopes' names, of which an empty one means all, and None for whether the database is writable."""
        sets = [names for names in wanted if names is not None]
        offered, is_writable = frozenset[str](), False
        if sets:
            names = None if frozenset() in sets else list(frozenset().union(*sets))
            offered = frozenset(name for (name,) in await connection.run(SCOPES, [names]))
        if None in wanted:
            ((is_writable,),) = await connection.run(WRITABLE, [])
        return [is_writable if asked is None else offered & asked if asked else offered for asked in wanted]


def _columns(rows: list[Any]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
