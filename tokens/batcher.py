"""Group commit for threads: the first to arrive works for everybody who waits.

While one batch is at the database the next one collects. The first thread to arrive leads: it runs all that is queued
as one batch, promotes the first thread that queued meanwhile, and wakes those it served. No timer and no thread of its
own; a batch cannot be larger than the number of threads, so memory is bounded by the server's thread setting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock


class Unavailable(Exception):
    """The work was not confirmed. It may or may not have been done, so promise nothing: answer 503."""


class _Ticket[Item, Result]:
    """One waiting thread: what it wants done, and the gate it sleeps at."""

    __slots__ = ("failure", "gate", "item", "leads", "result")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.gate = Lock()
        self.gate.acquire()
        self.leads = False
        self.result: Result | None = None
        self.failure: BaseException | None = None


class Batcher[Item, Result]:
    """`run` gets a list of items and returns as many results in the same order, or raises for all of them.

    `patience`: seconds that a thread waits for a leader before it gives up. `observe` is told each batch's size.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result]],
        *,
        patience: float = 5.0,
        observe: Callable[[float], object] | None = None,
    ) -> None:
        self._run, self._patience, self._observe = run, patience, observe
        self._lock = Lock()
        self._queue: list[_Ticket[Item, Result]] = []
        self._led = False

    def submit(self, item: Item) -> Result:
        """Blocks until the item was in a batch that succeeded. Raises Unavailable."""
        ticket: _Ticket[Item, Result] = _Ticket(item)
        with self._lock:
            self._queue.append(ticket)
            if not self._led:
                self._led = ticket.leads = True
        if not ticket.leads and not ticket.gate.acquire(timeout=self._patience):
            self._give_up(ticket)
        if ticket.leads:
            self._lead()
        if ticket.failure is not None:
            raise Unavailable from ticket.failure
        return ticket.result  # type: ignore[return-value]  # set when nothing failed

    def _lead(self) -> None:
        with self._lock:
            batch, self._queue = self._queue, []
        failure: BaseException | None = RuntimeError("the leading thread was stopped")
        try:
            results = self._run([ticket.item for ticket in batch])
            for ticket, result in zip(batch, results, strict=True):
                ticket.result = result
            failure = None
        except Exception as error:  # whatever it is, each of those who wait gets it as the cause of their Unavailable
            failure = error
        finally:  # also when this thread is being killed: nobody may wait for a leader that is gone
            self._hand_over()
            for ticket in batch:
                ticket.failure = failure
                ticket.gate.release()
        if self._observe is not None:
            self._observe(len(batch))

    def _hand_over(self) -> None:
        with self._lock:
            successor = self._queue[0] if self._queue else None
            self._led = successor is not None
            if successor is not None:
                successor.leads = True
                successor.gate.release()

    def _give_up(self, ticket: _Ticket[Item, Result]) -> None:
        with self._lock:
            if ticket.leads:  # promoted at the last moment: others count on this thread, so it goes on
                return
            if ticket in self._queue:
                self._queue.remove(ticket)
        raise Unavailable("nobody served this request in time")
