"""Background jobs of a process: access log, refusal journal, usage counts, shared rate limits.

None may delay or fail an HTTP request; each is bounded in memory, and about a second late unless its destination is
slow, which delays that job alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from foundation.repeated_warnings import RepeatedWarnings

INTERVAL_S = 0.5
STOP_TIMEOUT_S = 8.0  # two statements at their time limit (pg_connection.MAX_WAIT_S)

log = structlog.get_logger(__name__)
failures = RepeatedWarnings(log, "background_job_failed")

Job = Callable[[], Awaitable[None]]


class Background:
    """Repeats each job independently of the others. Started by the first HTTP request, so in its event loop."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = asyncio.Event()

    def ensure_started(self) -> None:
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._repeat(job)) for job in self._jobs]

    async def stop(self) -> None:
        """Run every job a last time, and wait at most STOP_TIMEOUT_S for them."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            # Do not cancel at once: rows that are being written are no longer in memory.
            self._ending.set()
            _written, late = await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
            for task in late:
                task.cancel()
            self._ending.clear()

    async def run_jobs(self) -> None:
        """Run each job once, now."""
        await asyncio.gather(*map(_attempt, self._jobs))

    async def _repeat(self, job: Job) -> None:
        is_last = False
        while not is_last:
            is_last = self._ending.is_set()
            await _attempt(job)
            if not is_last:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), INTERVAL_S)


async def _attempt(job: Job) -> None:
    try:
        await job()
    except Exception as error:  # the next round tries again
        failures.report(error=str(error) or type(error).__name__)
