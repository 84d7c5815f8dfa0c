"""The one thread of a process that writes behind: the journal, the counts, and what is shared of the rate limits.

None of it may slow a request down or fail it; all of it is bounded in memory and late by a second at most.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread

import structlog

INTERVAL = 0.5  # seconds

log = structlog.get_logger(__name__)


class Background:
    """Runs the jobs one after the other, again and again. Started by the first request, so after any fork."""

    def __init__(self, jobs: Sequence[Callable[[], None]]) -> None:
        self._jobs = jobs
        self._thread: Thread | None = None
        self._starting, self._stopping = Lock(), Event()

    def ensure_started(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._stopping.clear()
                self._thread = Thread(target=self._run, name="tokens-background", daemon=True)
                self._thread.start()
                atexit.register(self.stop)

    def stop(self) -> None:
        """Returns when everything was written once more, or could not be."""
        atexit.unregister(self.stop)
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            thread.join(timeout=10)

    def run_jobs(self) -> None:
        for job in self._jobs:
            try:
                job()
            except Exception as error:  # the others must go on, and this one is tried again
                log.warning("background_job_failed", error=str(error))

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL):
            self.run_jobs()
        self.run_jobs()
