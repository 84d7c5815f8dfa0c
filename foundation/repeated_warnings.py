"""Warnings that come again and again while something is away: one line a second, with how often."""

from __future__ import annotations

from time import monotonic

import structlog

INTERVAL_S = 1.0
MAX_KINDS = 100


class RepeatedWarnings:
    """Logs the event for the first failure of a kind at once, and what follows at most once in INTERVAL_S.

    `times`: how often since the line before. For one thread.
    """

    def __init__(self, log: structlog.stdlib.BoundLogger, event: str) -> None:
        self._log, self._event = log, event
        self._last: dict[tuple[object, ...], tuple[float, int]] = {}  # by kind: when it was logged, how often since

    def report(self, **facts: object) -> None:
        kind, now = tuple(facts.values()), monotonic()
        logged_at, times = self._last.get(kind, (now - INTERVAL_S, 0))
        if now - logged_at < INTERVAL_S:
            self._last[kind] = logged_at, times + 1
            return
        if len(self._last) >= MAX_KINDS:
            self._last.clear()
        self._last[kind] = now, 0
        self._log.warning(self._event, **facts, times=times + 1)
