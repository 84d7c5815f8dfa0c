"""PostgreSQL on the hot path: waiting work is sent in one statement and one commit (docs/decisions/0005).

Times are seconds since 1970. Everything raises batcher.Unavailable if the database does not answer. Values must be
valid before they come here: one that PostgreSQL refuses fails its whole batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import Any, ClassVar, NamedTuple, cast

from tokens.policy import Policy
from tokens.storage import metrics
from tokens.storage.batcher import Batcher
from tokens.storage.lease import Lease
from tokens.storage.pg_connection import Connection
from tokens.storage.sql import CLIENTS, ISSUE, LOOK_UP, REVOKE, SCOPES, WRITABLE


class Outcome(Enum):
    DONE = "done"
    STALE = "stale"  # the client differs from the snapshot: nothing was written
    REPLAYED = "replayed"  # the assertion was used before: nothing was written


class Issue(NamedTuple):
    """Token to store, assertion to consume, or both. Empty bytes: none."""

    client: int
    version: int
    digest: bytes = b""
    scope: str = ""
    credential: str = ""
    address: str = ""
    jti_digest: bytes = b""
    jti_expires_at: int = 0
    ends_by: int = 0  # when the token ends at the latest; 0: only its lifetime counts


class LookUp(NamedTuple):
    """Token to find, and the client that asks; 0 and 0 if the bearer asks."""

    digest: bytes
    caller: int = 0
    caller_version: int = 0


class FoundToken(NamedTuple):
    """Token that is neither expired nor revoked, of an active client in the same token generation."""

    client_id: str
    owner_version: int
    epoch: int
    scope: str
    issued_at: int
    expires_at: int
    credential: str


class Revocation(NamedTuple):
    digest: bytes
    client: int
    version: int


class ClientQuery(NamedTuple):
    client_id: str
    known_version: int = 0  # if it is still current, the answer has no keys, secrets and scopes


class KnownScope(NamedTuple):
    """Scope of the catalogue: when it was retired, if it was, and the name of the scope to ask for instead."""

    name: str
    retired_at: float | None
    successor: str | None


class LeaseEnded(Exception):
    """Server that may not be the primary any more: its answers are not used."""


class Store:
    """Async operations on the database; each resolves after the batch that contains it has committed."""

    batcher: ClassVar[type[Batcher[Any, Any]]] = Batcher  # tokens/serving/tracing.py has another

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._token_lifetime = policy.token_lifetime
        self._connect = partial(Connection, policy.database, policy.synchronous_commit)
        lease = self._connect()
        self.lease = Lease(lease, policy.lookup_lease)
        self._connections: list[Connection] = [lease]
        self.batchers: list[Batcher[Any, Any]] = []
        # Two lanes: the next batch of tokens is sent while one is being committed.
        self.issue: Callable[[Issue], Awaitable[Outcome]] = self._batched(self._issue, "issue", lanes=2)
        self.look_up: Callable[[LookUp], Awaitable[FoundToken | Outcome | None]]
        self.look_up = self._batched(self._look_up, "look_up", lanes=2)
        self.revoke: Callable[[Revocation], Awaitable[Outcome]] = self._batched(self._revoke, "revoke")
        self.client: Callable[[ClientQuery], Awaitable[tuple[Any, ...] | None]]
        self.client = self._batched(self._clients, "client")
        self._rare: Callable[[frozenset[str] | None], Awaitable[Any]] = self._batched(self._rare_reads, "rare")

    async def known_scopes(self, names: frozenset[str]) -> list[KnownScope]:
        """Return those of `names` that exist, retired ones too; all scopes if `names` is empty."""
        return cast(list[KnownScope], await self._rare(names))

    async def is_writable(self) -> bool:
        """Return whether the database accepts writes; a standby does not."""
        return cast(bool, await self._rare(None))

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    async def end(self) -> None:
        """Close all connections, and wait until their work has ended."""
        await asyncio.gather(*(connection.end() for connection in self._connections))

    def _batched(
        self, run: Callable[[Connection, list[Any]], Awaitable[list[Any]]], name: str, *, lanes: int = 1
    ) -> Callable[[Any], Awaitable[Any]]:
        connections = [self._connect() for _ in range(lanes)]
        self._connections += connections
        observe = metrics.BATCH_SIZE.labels(name).observe
        batcher = self.batcher([partial(run, connection) for connection in connections], name=name, observe=observe)
        self.batchers.append(batcher)
        return batcher.submit

    async def _issue(self, connection: Connection, wanted: list[Issue]) -> list[Outcome]:
        # The second copy of an assertion in a batch is a replay, which the statement alone would not notice.
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
        await self._check_lease(connection)  # an unknown token commits nothing, so no standby confirmed the answer
        return outcomes

    async def _check_lease(self, connection: Connection) -> None:
        """Raise LeaseEnded if answers of the connection's server may not be used."""
        if not await self.lease.covers(connection.server):
            if connection.server != self.lease.server:
                connection.close()  # the next statement connects to the server of the lease, or fails
            raise LeaseEnded

    async def _clients(self, connection: Connection, wanted: list[ClientQuery]) -> list[tuple[Any, ...] | None]:
        answers: list[tuple[Any, ...] | None] = [None] * len(wanted)
        for n, *client in await connection.run(CLIENTS, _columns(wanted)):
            answers[n - 1] = tuple(client)
        return answers

    async def _rare_reads(
        self, connection: Connection, wanted: list[frozenset[str] | None]
    ) -> list[list[KnownScope] | bool]:
        """Answer rare questions: a set of scopes' names (empty: all), or None for whether the database is writable."""
        sets = [names for names in wanted if names is not None]
        found, is_writable = list[KnownScope](), False
        if sets:
            names = None if frozenset() in sets else list(frozenset().union(*sets))
            found = [
                KnownScope(name, None if retired_at is None else float(retired_at), successor)
                for name, retired_at, successor in await connection.run(SCOPES, [names])
            ]
        if None in wanted:
            ((is_writable,),) = await connection.run(WRITABLE, [])
        return [
            is_writable if asked is None else [scope for scope in found if not asked or scope.name in asked]
            for asked in wanted
        ]


def _columns(rows: list[Any]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
