"""Calls that wait for the next entry of the change log, held by the event loop without a thread (API M-14).

The page answers with WAIT_HEADER instead of waiting. That answer is dropped; when the change log has grown, or the time
is over, the page runs once more and is not allowed to wait. Its second run checks the token again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from django.db import DatabaseError, close_old_connections, connection

from audit.models import LogHead
from portal.serving.threads import Pages
from portal.web.long_poll import MAY_WAIT, WAIT_HEADER
from tokens.serving.asgi_messages import Message, Receive, Send

MAX_HELD = 200  # calls of a process; beyond these the answer comes at once
INTERVAL_S = 1.0  # between two looks at the size of the change log

_HEADER = WAIT_HEADER.lower().encode()


class Wait(NamedTuple):
    """The number of the last entry that the caller knows, and how long to wait for one more."""

    seq: int
    seconds: int


class Growth:
    """Size of the change log, read by one thread for all who wait, and not at all while nobody does."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="size of the change log")
        self._asking: asyncio.Task[int] | None = None

    async def beyond(self, seq: int) -> None:
        """Return once there is an entry after number `seq`. Raises DatabaseError."""
        while await self._size() <= seq:
            pass

    async def _size(self) -> int:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> int:
        await asyncio.sleep(INTERVAL_S)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)


class LongPolls:
    """`await long_polls(scope, receive, send)`, for the pages of one path; all others pass."""

    def __init__(self, pages: Pages, *, path: str, growth: Growth) -> None:
        self._pages, self._path, self._growth = pages, path, growth
        self._held = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send, **more: Any) -> None:
        if scope["path"] != self._path or self._held >= MAX_HELD:
            await self._pages(scope, receive, send, **more)
            return
        wait = await self._first(scope, receive, send, more)
        if wait is None:
            return
        self._held += 1
        try:
            is_there = await self._waited(wait, receive)
        finally:
            self._held -= 1
        if is_there:
            await self._pages(scope, _without_body(receive), send, **more)

    async def _first(self, scope: Message, receive: Receive, send: Send, more: dict[str, Any]) -> Wait | None:
        """Run the page; return how long it wants to wait, or None after its answer has been sent."""
        found: list[Wait] = []

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                found.extend(Wait(*map(int, text.split())) for name, text in message["headers"] if name == _HEADER)
            if not found:
                await send(message)

        await self._pages(scope, receive, pass_on, **more, **{MAY_WAIT: True})
        return found[0] if found else None

    async def _waited(self, wait: Wait, receive: Receive) -> bool:
        """Wait for an entry, or for the end of the time; return False when the client has gone."""
        gone, grown = asyncio.ensure_future(receive()), asyncio.ensure_future(self._growth.beyond(wait.seq))
        try:
            await asyncio.wait({gone, grown}, timeout=wait.seconds, return_when=asyncio.FIRST_COMPLETED)
            return not gone.done()
        finally:
            gone.cancel()
            grown.cancel()
            await asyncio.gather(gone, grown, return_exceptions=True)  # without the database the page tells


def _without_body(receive: Receive) -> Receive:
    """Return what the page receives at its second run: the end of the body, which was read, then the connection's."""
    told: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive_again() -> Message:
        return told.pop() if told else await receive()

    return receive_again


def size_of_the_change_log() -> int:
    """Return the number of entries, with the connection of the calling thread. Raises DatabaseError."""
    close_old_connections()
    try:
        return LogHead.objects.values_list("size", flat=True).get()
    except DatabaseError:
        connection.close()
        raise
