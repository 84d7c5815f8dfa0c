"""What a process writes behind: the access log, the journal, the counts, and what is shared of the rate limits.

None of it may slow a request down or fail it; all of it is bounded in memory, and late by about a second unless what it
is written to is slow, which then holds up that job alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from foundation.repeated_warnings import RepeatedWarnings

INTERVAL_S = 0.5  # seconds
STOP_TIMEOUT_S = 8.0  # seconds; time for two statements of which each takes as long as one may

log = structlog.get_logger(__name__)
failures = RepeatedWarnings(log, "background_job_failed")

Job = Callable[[], Awaitable[None]]


class Background:
    """Does each job again and again, beside the others. Started by the first request, so in its event loop."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = asyncio.Event()

    def ensure_started(self) -> None:
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._repeat(job)) for job in self._jobs]

    async def stop(self) -> None:
        """Returns when everything was written once more, or could not be in STOP_TIMEOUT_S."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            # None is cancelled at once: what it is just writing is in nobody's memory any more.
            self._ending.set()
            _written, late = await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
            for task in late:
                task.cancel()
            self._ending.clear()

    async def run_jobs(self) -> None:
        """Each once, now."""
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
    except Exception as error:  # it is tried again
        failures.report(error=str(error) or type(error).__name__)
