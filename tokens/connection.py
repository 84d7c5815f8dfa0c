"""One PostgreSQL connection for one kind of work: prepared statements, reopened after any failure."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
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
    """Opened when first used, so that it is made after a fork. One thread at a time may use it (the batch's leader)."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = NETWORK | parameters
        self._parameters["options"] = f"{parameters.get('options', '')} {HOT}".strip()
        self._open: Exchange | None = None
        self._closing = Lock()

    def run(self, statement: LiteralString, parameters: Sequence[Parameter]) -> list[tuple[Any, ...]]:
        """Runs one statement in a transaction of its own; its rows, if it has any.

        Raises psycopg.Error; then nothing is known of the commit.
        """
        try:
            # Something to read on an idle connection means that the server closed it. To notice it here takes no round
            # trip and, unlike repeating a write, leaves no doubt about what was committed.
            if self._open is not None and self._open.has_news():
                self.close()
            if self._open is None:
                self._open = Exchange(psycopg.connect(**self._parameters, autocommit=True), LONGEST_WAIT)
            return self._open.run(statement, parameters)
        except psycopg.Error as error:
            # Here and not where it ends as a 503, so that it is one line for a batch. The message may quote values.
            log.warning("database_failed", error=type(error).__name__, sqlstate=error.sqlstate)
            self.close()
            raise
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with self._closing:
            broken, self._open = self._open, None
        if broken is not None:
            broken.close()
