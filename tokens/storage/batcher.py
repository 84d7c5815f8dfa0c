"""Group commit: work that waits for the database is sent in one batch.

An HTTP request queues an item and awaits its result. At the end of the event loop's turn everything queued leaves as
one batch, if a lane is idle; while all lanes are busy the next batch collects. So a single HTTP request waits for no
other, and under load the batches grow by themselves. No timer, no thread, no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

MAX_BATCH_ITEMS = 256


class Unavailable(Exception):
    """Unconfirmed work, which may or may not have been done: answer 503."""


class Batcher[Item, Result]:
    """Distributes batches of items to `lanes`.

    A lane is a function that takes a list of items and returns as many results in the same order, or raises for all of
    them; it gets one batch at a time. `name`: of the work; `observe` is called with the size of each batch.
    """

    def __init__(
        self,
        lanes: Sequence[Callable[[list[Item]], Awaitable[Sequence[Result]]]],
        *,
        name: str = "",
        observe: Callable[[float], object] | None = None,
    ) -> None:
        self.name, self.lanes = name, len(lanes)
        self._idle = list(lanes)
        self._observe = observe
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._departing = False
        self._under_way: set[asyncio.Task[None]] = set()  # the event loop itself keeps no reference to a task

    @property
    def busy(self) -> int:
        """Return how many lanes have a batch."""
        return self.lanes - len(self._idle)

    @property
    def waiting(self) -> int:
        """Return how many items wait for a lane."""
        return len(self._waiting)

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """Queue an item; the future has its result when its batch has succeeded. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if self._idle and not self._departing:
            self._departing = True
            loop.call_soon(self._depart)
        return future

    def _depart(self) -> None:
        self._departing = False
        while self._waiting and self._idle:
            batch = self._waiting[:MAX_BATCH_ITEMS]
            del self._waiting[:MAX_BATCH_ITEMS]
            task = asyncio.get_running_loop().create_task(self._serve(self._idle.pop(), batch))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _serve(
        self,
        lane: Callable[[list[Item]], Awaitable[Sequence[Result]]],
        batch: list[tuple[Item, asyncio.Future[Result]]],
    ) -> None:
        try:
            results = await lane([item for item, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():  # its HTTP request may have been cancelled
                    future.set_result(result)
            self._idle.append(lane)
        except BaseException as error:  # becomes the cause of Unavailable in every waiting HTTP request
            if isinstance(error, TimeoutError):
                # The database is frozen: fail the items queued meanwhile too, or they wait as long again.
                batch += self._waiting
                self._waiting.clear()
            _fail(batch, error)
            self._idle.insert(0, lane)  # the next batch takes another lane, if one is idle
            if not isinstance(error, Exception):
                raise
        finally:
            if self._waiting:
                self._depart()
        if self._observe is not None:
            self._observe(len(batch))


def _fail[Item, Result](batch: list[tuple[Item, asyncio.Future[Result]]], cause: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            unavailable = Unavailable("it is unknown what became of it")
            unavailable.__cause__ = cause
            future.set_exception(unavailable)
