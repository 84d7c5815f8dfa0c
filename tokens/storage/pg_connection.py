"""PostgreSQL connection for one kind of work: prepared statements, reopened after any failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
import structlog

from foundation.repeated_warnings import RepeatedWarnings
from tokens.storage.pg_exchange import Exchange, Parameter

# Every statement sent here is a handful of index look-ups. PostgreSQL keeps a plan made on an empty table, a scan, when
# the table has grown: so plan without values, and never by scanning. The timeout keeps statements from hanging.
SESSION_SETTINGS = {
    "statement_timeout": "3s",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
# Return an identifier of the server, and apply the settings. PgBouncer refuses them as `options` of the connection.
BEGIN_SESSION = """
SELECT extract(epoch FROM pg_postmaster_start_time())::text,
       (SELECT count(set_config(name, value, false)) FROM unnest(%s::text[], %s::text[]) AS given(name, value))
"""
# Detect a vanished peer within seconds.
KEEPALIVE_PARAMETERS = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
}
# Longer than `statement_timeout`: if it passes, the server is frozen, or its commit waits for a standby.
MAX_WAIT_S = 4.0
SCOUT_INTERVAL_S = 5.0
MAX_MESSAGE_LENGTH = 300  # characters

log = structlog.get_logger(__name__)
failures = RepeatedWarnings(log, "database_failed")


class NotAnswered(psycopg.OperationalError):
    """Pending answer to an earlier statement that was given up."""


class Connection:
    """Connection that opens when first used, in the event loop that uses it; runs one statement at a time.

    A statement without a timely answer is given up, and its commit is unknown. Its connection is kept until the answer
    comes: in PostgreSQL a commit that waits for a standby goes on when its client disconnects, so new connections for
    each try would pile up until none is left.

    `server` identifies the PostgreSQL that was reached last, by its start time.
    """

    def __init__(self, parameters: dict[str, Any], synchronous_commit: str = "on") -> None:
        self._places = _places(KEEPALIVE_PARAMETERS | parameters)
        self._session = {"synchronous_commit": synchronous_commit, **SESSION_SETTINGS}
        self._open: Exchange | None = None
        self._late: asyncio.Task[None] | None = None
        self.server = ""

    async def run(self, statement: LiteralString, parameters: Sequence[Parameter]) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own; return its rows.

        Raises psycopg.Error, or TimeoutError without an answer; then it is unknown whether the statement was committed.
        """
        if self._late is not None:
            raise NotAnswered
        try:
            # Check the connection first: to retry after a failed write could commit it twice.
            if self._open is not None and not self._open.is_quiet:
                self.close()
            # `connect_timeout` applies to each address of the host, and does not cover its name resolution.
            async with asyncio.timeout(MAX_WAIT_S):
                if self._open is None:
                    self._open = await self._connect()
                return await self._open.run(statement, parameters)
        except (psycopg.Error, TimeoutError) as error:
            self._report(error)
            if isinstance(error, TimeoutError) and self._open is not None and self._open.is_asking:
                self._late = asyncio.get_running_loop().create_task(self._await_answer(self._open))
                self._open = None
            else:
                self.close()
            raise
        except BaseException:  # a cancelled wait too: the answer that is still to come belongs to nobody
            self.close()
            raise

    def close(self) -> None:
        broken, self._open = self._open, None
        if broken is not None:
            broken.close()
        if self._late is not None:
            self._late.cancel()

    async def end(self) -> None:
        """Close the connection, and wait until its task has ended."""
        late = self._late
        self.close()
        if late is not None:
            await asyncio.wait([late], timeout=1)

    async def _await_answer(self, exchange: Exchange) -> None:
        """Wait until the server answers or hangs up, or another server has taken its place."""
        answered = asyncio.ensure_future(exchange.settle())
        successor: Exchange | None = None
        try:
            while not answered.done() and successor is None:
                await asyncio.wait([answered], timeout=SCOUT_INTERVAL_S)
                if not answered.done():
                    successor = await self._another_server()
            if successor is None and answered.exception() is None:
                successor, exchange = exchange, None  # type: ignore[assignment]  # it is not to be closed
        finally:
            answered.cancel()
            if exchange is not None:
                exchange.close()
            self._open, self._late = successor, None

    async def _another_server(self) -> Exchange | None:
        """Return a connection to a server other than the last one, None if there is no other."""
        known = self.server
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                found = await self._connect()
        except (psycopg.Error, TimeoutError):
            return None
        if self.server != known:
            return found
        found.close()
        return None

    async def _connect(self) -> Exchange:
        """Connect to the first host that accepts. Raises psycopg.Error or TimeoutError.

        The time is shared equally among the hosts and the statement.
        """
        share = MAX_WAIT_S / (len(self._places) + 1) if len(self._places) > 1 else None
        for place in list(self._places):
            try:
                async with asyncio.timeout(share):
                    exchange = await self._open_at(place)
            except (psycopg.Error, TimeoutError) as error:
                failure = error
            else:
                self._places.remove(place)
                self._places.insert(0, place)
                return exchange
        raise failure

    async def _open_at(self, place: dict[str, Any]) -> Exchange:
        connection = await psycopg.AsyncConnection.connect(**place, autocommit=True)
        cursor = await connection.execute(BEGIN_SESSION, [list(self._session), list(self._session.values())])
        ((self.server, _settings),) = await cursor.fetchall()
        return Exchange(connection)

    def _report(self, error: Exception) -> None:
        """Log the failure here, not where it becomes a 503, so that a batch has a single line."""
        # The message of a failed statement may quote values, so log only that of a failed connection.
        message = "" if self._open is not None else str(error)[:MAX_MESSAGE_LENGTH]
        failures.report(error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None), message=message)


def _places(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters for each host: libpq takes several, with a port each or one for all."""
    hosts, ports = str(parameters.get("host", "")).split(","), str(parameters.get("port", "")).split(",")
    if len(hosts) == 1 or len(ports) not in (1, len(hosts)) or "hostaddr" in parameters:
        return [parameters]
    ports *= len(hosts) // len(ports)
    return [{**parameters, "host": host, "port": port or None} for host, port in zip(hosts, ports, strict=True)]
