"""Beat that may run on every worker: a lock in the database lets one of them send what is due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import structlog
from celery.beat import Scheduler
from django.db import Error, connection

LOCK = "beat"
RETRY_AFTER_S = 5.0
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


class OneBeat(Scheduler):
    """Scheduler that does nothing while another process has the lock.

    PostgreSQL releases the lock when the connection of its holder ends, so another process goes on within
    RETRY_AFTER_S. What was sent last is kept in memory alone, so that no file can stop it. A process that begins, or
    that goes on for another, therefore takes everything for due, which every task of the schedule bears.
    """

    holds: bool | None = None

    def setup_schedule(self) -> None:
        self.update_from_dict(self.app.conf.beat_schedule)
        for entry in self.schedule.values():
            entry.last_run_at = NEVER

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, and return after how many seconds to be called again."""
        if not self._has_lock():
            return RETRY_AFTER_S
        # At least as often as a standby asks, so that the log tells soon who lost the lock.
        return float(min(super().tick(*args, **kwargs), RETRY_AFTER_S))

    def _has_lock(self) -> bool:
        """Take the lock or find that it is ours: PostgreSQL gives a session again what it has."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [LOCK])
                (holds,) = cursor.fetchone()
        except Error:
            connection.close()
            holds = False
        if holds != self.holds:
            log.info("beat_sends" if holds else "beat_waits")
        self.holds = holds
        return bool(holds)
