"""What a process writes behind: the access log, the journal, the counts, and what is shared of the rate limits.

None of it may slow a request down or fail it; all of it is bounded in memory and late by a second at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

INTERVAL = 0.5  # seconds

log = structlog.get_logger(__name__)


class Background:
    """Runs the jobs one after the other, again and again. Started by the first request, so in its event loop."""

    def __init__(self, jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._jobs = jobs
        self._task: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    def ensure_started(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Returns when everything was written once more, or could not be."""
        task, self._task = self._task, None
        if task is not None:
            # It is not cancelled: what it is just writing is in nobody's memory any more.
            self._ending.set()
            await task
            self._ending.clear()
            await self.run_jobs()

    async def run_jobs(self) -> None:
        for job in self._jobs:
            try:
                await job()
            except Exception as error:  # the others must go on, and this one is tried again
                log.warning("background_job_failed", error=str(error))

    async def _run(self) -> None:
        while not self._ending.is_set():
            await self.run_jobs()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), INTERVAL)
