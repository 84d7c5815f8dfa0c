"""Group commit: what waits for the database goes there together.

A request puts what it wants on a queue and awaits the answer. At the end of the event loop's turn all that is queued
leaves as one batch, if a lane is idle; while all lanes are busy the next batch collects. So alone a request waits for
nobody, and under load the batches grow by themselves. No timer, no thread, no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

MAX_BATCH_ITEMS = 256


class Unavailable(Exception):
    """The work was not confirmed. It may or may not have been done, so promise nothing: answer 503."""


class Batcher[Item, Result]:
    """Each of `lanes` takes a list of items and gives as many results in the same order, or raises for all of them.

    A lane gets one batch at a time. `observe` is told each batch's size.
    """

    def __init__(
        self,
        lanes: Sequence[Callable[[list[Item]], Awaitable[Sequence[Result]]]],
        *,
        observe: Callable[[float], object] | None = None,
    ) -> None:
        self._idle = list(lanes)
        self._observe = observe
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._departing = False
        self._under_way: set[asyncio.Task[None]] = set()  # the event loop itself keeps no reference to a task

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """To be awaited: the item's result once its batch has succeeded. Raises Unavailable."""
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
                if not future.done():  # its request may have been cancelled
                    future.set_result(result)
            self._idle.append(lane)
        except BaseException as error:  # whatever it is, those who wait get it as the cause of their Unavailable
            if isinstance(error, TimeoutError):
                # The database is frozen. Whoever queued meanwhile need not wait as long again to find that out.
                batch += self._waiting
                self._waiting.clear()
            _fail(batch, error)
            self._idle.insert(0, lane)  # the next batch takes another one, if there is
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
            unavailable = Unavailable("nobody can tell what became of it")
            unavailable.__cause__ = cause
            future.set_exception(unavailable)
