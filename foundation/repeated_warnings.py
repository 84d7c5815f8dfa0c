"""Rate-limited warnings for an outage: at most one line a second, with the number of failures."""

from __future__ import annotations

from time import monotonic

import structlog

INTERVAL_S = 1.0
MAX_KINDS = 100


class RepeatedWarnings:
    """Warnings of one event: the first of a kind is logged at once, repetitions at most once in INTERVAL_S.

    `times` in the line: how often since the line before. Not thread-safe.
    """

    def __init__(self, log: structlog.stdlib.BoundLogger, event: str) -> None:
        self._log, self._event = log, event
        self._last: dict[tuple[object, ...], tuple[float, int]] = {}  # by kind: when it was logged, how often since

    def report(self, **facts: object) -> None:
        """Log or count a failure; `facts` tell its kind."""
        kind, now = tuple(facts.values()), monotonic()
        logged_at, times = self._last.get(kind, (now - INTERVAL_S, 0))
        if now - logged_at < INTERVAL_S:
            self._last[kind] = logged_at, times + 1
            return
        if len(self._last) >= MAX_KINDS:
            self._last.clear()
        self._last[kind] = now, 0
        self._log.warning(self._event, **facts, times=times + 1)
