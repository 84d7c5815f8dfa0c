"""Uses of each credential, tokens issued a day, and refusals an hour by cause; counted in memory, written behind.

Uses are counted by day with the network that they came from and the traits of their assertions (PROTOCOL C-41), calls
of an API by day (PROTOCOL C-46).

A process that is killed loses the last second of counts; nothing is decided by them. All figures of refusals on all
pages come from here, so they agree; the refusal journal holds only a part of a flood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from psycopg.errors import ReadOnlySqlTransaction

from foundation.ip_addresses import network, wide_network
from tokens.protocol.http import Request
from tokens.protocol.traits import OTHER, OTHER_TRAITS, Traits
from tokens.storage.pg_connection import Connection

# Rows are sorted, so that two processes that write the same rows cannot deadlock.
ADD_USES = """
WITH given AS (
    SELECT * FROM unnest(
        %b::bigint[], %b::date[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::int[], %b::int[],
        %b::bool[], %b::bigint[], %b::bigint[], %b::bigint[], %b::float8[], %b::float8[]
    ) AS g(client_id, day, credential, network, audience, kid, algorithm, key_bits, lifetime, token_in_query,
           uses, issued, refused, first_at, last_at)
), days AS (
    INSERT INTO tokens_usageday (client_id, day, credential, issued, refused)
    SELECT client_id, day, credential, sum(issued), 0 FROM given WHERE issued > 0
    GROUP BY client_id, day, credential
    ORDER BY client_id, day, credential
    ON CONFLICT (client_id, day, credential) DO UPDATE SET issued = tokens_usageday.issued + excluded.issued
), details AS (
    INSERT INTO tokens_usagedetail (
        client_id, day, credential, network, audience, kid, algorithm, key_bits, lifetime, token_in_query,
        uses, issued, refused, first_at, last_at
    )
    SELECT client_id, day, credential, network, audience, kid, algorithm, key_bits, lifetime, token_in_query,
           uses, issued, refused, to_timestamp(first_at), to_timestamp(last_at)
    FROM given
    ORDER BY client_id, day, credential, network, audience, kid, algorithm, key_bits, lifetime, token_in_query
    ON CONFLICT (
        client_id, day, credential, network, audience, kid, algorithm, key_bits, lifetime, token_in_query
    ) DO UPDATE
    SET uses = tokens_usagedetail.uses + excluded.uses,
        issued = tokens_usagedetail.issued + excluded.issued,
        refused = tokens_usagedetail.refused + excluded.refused,
        first_at = least(tokens_usagedetail.first_at, excluded.first_at),
        last_at = greatest(tokens_usagedetail.last_at, excluded.last_at)
)
INSERT INTO tokens_credentialuse (credential, client_id, last_used_at, uses)
SELECT credential, client_id, to_timestamp(max(last_at)), sum(uses) FROM given WHERE uses > 0 AND credential <> ''
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

ADD_CALLS = """
INSERT INTO tokens_apicalls (client_id, day, api, calls, last_at)
SELECT client_id, day, api, calls, to_timestamp(last_at)
FROM unnest(%b::bigint[], %b::date[], %b::text[], %b::bigint[], %b::float8[]) AS g(client_id, day, api, calls, last_at)
ORDER BY client_id, day, api
ON CONFLICT (client_id, day, api) DO UPDATE
SET calls = tokens_apicalls.calls + excluded.calls, last_at = greatest(tokens_apicalls.last_at, excluded.last_at)
"""

UseKey = tuple[int, int, str, str, Traits]  # client, day since 1970, credential, address or network, traits
RefusalKey = tuple[int, int, str, str]  # client, hour since 1970, rule, error
CallKey = tuple[int, int, str]  # client, day since 1970, identifier of the API

# Distinct rows of a client and day in one process. Further ones are counted by their /24 or /48, then without their
# network, and then without their traits too. HTTP requests without a proven credential, which strangers send, have a
# room of their own.
MAX_DETAILS = 60
MAX_BY_WIDE_NETWORK = 20
MAX_WITHOUT_NETWORK = 20


class Uses:
    __slots__ = ("first_at", "issued", "last_at", "refused", "uses")

    def __init__(self, now: float) -> None:
        self.uses = self.issued = self.refused = 0
        self.first_at = self.last_at = now

    def add(self, other: Uses) -> None:
        self.uses += other.uses
        self.issued += other.issued
        self.refused += other.refused
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)


class Tally:
    __slots__ = ("count", "first_at", "last_at")

    def __init__(self, now: float) -> None:
        self.count = 0
        self.first_at = self.last_at = now

    def up(self, now: float) -> None:
        self.count += 1
        self.last_at = now

    def add(self, other: Tally) -> None:
        self.count += other.count
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)


class Usage:
    def __init__(self) -> None:
        self._uses: dict[UseKey, Uses] = {}
        self._refusals: dict[RefusalKey, Tally] = {}
        self._calls: dict[CallKey, Tally] = {}
        self._details = Details()

    def used(self, client: int, request: Request, now: float, *, issued: int = 0) -> None:
        """Count an accepted HTTP request, and the `issued` tokens that followed."""
        uses = self._uses_of(client, request, now)
        uses.uses += 1
        uses.issued += issued

    def refused(self, client: int, request: Request, rule: str, error: str, now: float) -> None:
        """Count a refused HTTP request; `error` is the OAuth error of the answer."""
        self._uses_of(client, request, now).refused += 1
        key = (client, int(now // 3600), rule, error)
        _tally(self._refusals, key, now)

    def called(self, client: int, apis: Iterable[str], now: float) -> None:
        """Count that a resource server of these APIs found a token of the client active."""
        for api in apis:
            _tally(self._calls, (client, int(now // 86_400), api), now)

    def _uses_of(self, client: int, request: Request, now: float) -> Uses:
        key = (client, int(now // 86_400), request.credential, request.address, request.traits)
        uses = self._uses.get(key)
        if uses is None:
            uses = self._uses[key] = Uses(now)
        uses.last_at = now
        return uses

    async def flush(self, connection: Connection) -> None:
        """Add the counts to the database; keep them if it is away or read-only.

        Raises psycopg.Error or TimeoutError.
        """
        uses, self._uses = self._details.bounded(self._uses), {}
        await _write(connection, ADD_USES, uses, _row_of_uses, self._uses)
        refusals, self._refusals = self._refusals, {}
        await _write(connection, ADD_REFUSALS, refusals, _row_of_refusals, self._refusals)
        calls, self._calls = self._calls, {}
        await _write(connection, ADD_CALLS, calls, _row_of_calls, self._calls)


class Details:
    """Bound on the rows of a client and day, in this process (PROTOCOL C-41)."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, bool], set[UseKey]] = {}  # by client, day, and whether it is proven
        self._day = 0

    def bounded(self, counted: dict[UseKey, Uses]) -> dict[UseKey, Uses]:
        """Return the counts by network, with what there is no room for by a wider one or under "other"."""
        self._forget_earlier_days(max((key[1] for key in counted), default=0))
        bounded: dict[UseKey, Uses] = {}
        for (client, day, credential, address, traits), uses in counted.items():
            key = self._with_room((client, day, credential, _network(address), traits))
            known = bounded.setdefault(key, uses)
            if known is not uses:
                known.add(uses)
        return bounded

    def _with_room(self, key: UseKey) -> UseKey:
        client, day, credential, network, traits = key
        known = self._known.setdefault((client, day, bool(credential)), set())
        wide = MAX_DETAILS + MAX_BY_WIDE_NETWORK
        for candidate, room in (
            (key, MAX_DETAILS),
            ((client, day, credential, wide_network(network), traits), wide),
            ((client, day, credential, OTHER, traits), wide + MAX_WITHOUT_NETWORK),
        ):
            if candidate in known:
                return candidate
            if len(known) < room:
                known.add(candidate)
                return candidate
        return client, day, credential, OTHER, OTHER_TRAITS

    def _forget_earlier_days(self, day: int) -> None:
        if day > self._day:
            self._day = day
            self._known = {key: known for key, known in self._known.items() if key[1] >= day - 1}


def _tally[Key: tuple[Any, ...]](tallies: dict[Key, Tally], key: Key, now: float) -> None:
    tally = tallies.get(key)
    if tally is None:
        tally = tallies[key] = Tally(now)
    tally.up(now)


async def _write[Key: tuple[Any, ...], Count: (Uses, Tally)](
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


def _network(address: str) -> str:
    """Return the network to count under, also for a count that came back from a failed attempt to write it."""
    return address if address == OTHER or "/" in address else network(address)


def _row_of_uses(key: UseKey, uses: Uses) -> tuple[Any, ...]:
    client, day, credential, network, traits = key
    counts = uses.uses, uses.issued, uses.refused, uses.first_at, uses.last_at
    return client, _date(day), credential, network, *traits, *counts


def _row_of_refusals(key: RefusalKey, refusals: Tally) -> tuple[Any, ...]:
    return *key, refusals.count, refusals.first_at, refusals.last_at


def _row_of_calls(key: CallKey, calls: Tally) -> tuple[Any, ...]:
    client, day, api = key
    return client, _date(day), api, calls.count, calls.last_at


def _date(day: int) -> date:
    return datetime.fromtimestamp(day * 86_400, tz=UTC).date()
