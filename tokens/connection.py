"""One PostgreSQL connection for one kind of work: prepared statements, reopened after any failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
import structlog

from tokens.exchange import Exchange, Parameter

# Every statement sent here is a handful of index lookups. Planned once on an empty table, PostgreSQL would go on to
# read whole tables when they have grown: so plan without values, and never by scanning. And never hang.
HOT = (
    "-c synchronous_commit=on -c statement_timeout=3s -c jit=off -c plan_cache_mode=force_generic_plan"
    " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
)
# A peer that is gone without a word is noticed within seconds.
NETWORK = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
}
# By then `statement_timeout` should have ended it: the server is frozen, and its system keeps the connection.
LONGEST_WAIT = 4.0  # seconds

log = structlog.get_logger(__name__)


class Connection:
    """Opened when first used, and so in the event loop that uses it. One statement at a time."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = NETWORK | parameters
        self._parameters["options"] = f"{parameters.get('options', '')} {HOT}".strip()
        self._open: Exchange | None = None

    async def run(self, statement: LiteralString, parameters: Sequence[Parameter]) -> list[tuple[Any, ...]]:
        """Runs one statement in a transaction of its own; its rows, if it has any.

        Raises psycopg.Error, or TimeoutError when the server says no word; then nothing is known of the commit.
        """
        try:
            # Unlike repeating a write, to look first leaves no doubt about what was committed.
            if self._open is not None and not self._open.is_quiet:
                self.close()
            # `connect_timeout` is for each address that the host has, and not for finding out which those are.
            async with asyncio.timeout(LONGEST_WAIT):
                if self._open is None:
                    self._open = Exchange(await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True))
                return await self._open.run(statement, parameters)
        except (psycopg.Error, TimeoutError) as error:
            # Here and not where it ends as a 503, so that it is one line for a batch. The message may quote values.
            log.warning("database_failed", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
            self.close()
            raise
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        broken, self._open = self._open, None
        if broken is not None:
            broken.close()
