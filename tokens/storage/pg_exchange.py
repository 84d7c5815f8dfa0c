"""Exchange of one prepared statement and its rows with PostgreSQL, by libpq as psycopg wraps it.

psycopg's cursor and its adaptation of lists are written in Python: for a small batch they took half of the CPU between
an HTTP request and its commit. Here a parameter is the text that PostgreSQL would print, and psycopg's loaders read the
rows.

Written here for that half of the CPU only. psycopg's AsyncRawCursor with dumpers for lists can replace it: measure it
again (make bench) at each minor release of psycopg. The last one measured was 3.3.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

Value = int | float | str | bytes | date
Parameter = Value | None | Sequence[Value]


class Exchange:
    """Open connection in autocommit that runs one statement at a time, in the event loop that opened it.

    Statements mark their parameters with %b and give lists a type, as in %b::bigint[].
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._libpq.nonblocking = 1
        self._names: dict[str, bytes] = {}
        self._prepared = 0
        self._loop = asyncio.get_running_loop()
        self._socket = self._libpq.socket
        self._is_asking, self._heard_unasked = False, False
        self._news: asyncio.Future[None] | None = None  # done when the socket is readable
        self._room: asyncio.Future[None] | None = None  # done when the socket is writable
        self._loss: psycopg.Error | None = None
        self._is_watched = True
        self._loop.add_reader(self._socket, self._read)

    @property
    def is_quiet(self) -> bool:
        """Return False after unsolicited input, which means that PostgreSQL closed the connection.

        Reflects the event loop's last poll of its sockets, which is before a batch leaves.
        """
        return not self._heard_unasked

    @property
    def is_asking(self) -> bool:
        """Return whether an answer is pending."""
        return self._is_asking

    async def run(self, statement: str, parameters: Sequence[Parameter]) -> list[tuple[Any, ...]]:
        """Run the statement; return its rows after its transaction has ended. Raises psycopg.Error.

        After a cancellation the server may still work on it: call `settle` before the next one.
        """
        texts = [_text(value) for value in parameters]
        self._is_asking = True
        name = self._names.get(statement) or await self._prepare(statement)
        self._libpq.send_query_prepared(name, texts, result_format=Format.BINARY)
        result = await self._answer()
        self._is_asking = False
        if result.status != ExecStatus.TUPLES_OK:
            return []
        rows = Transformer(self._connection)
        rows.set_pgresult(result)
        return rows.load_rows(0, result.ntuples, tuple)

    async def settle(self) -> None:
        """Wait for the answer to a statement that was given up, and drop it. Raises psycopg.Error."""
        if self._libpq.flush():
            await self._send_the_rest()
        while await self._next_result() is not None:
            pass
        self._is_asking = False

    def close(self) -> None:
        self._unwatch()
        self._libpq.finish()

    async def _prepare(self, statement: str) -> bytes:
        name = b"s%d" % self._prepared
        self._prepared += 1
        number = iter(range(1, 1 + statement.count("%b")))
        numbered = re.sub("%b", lambda _: f"${next(number)}", statement)
        self._libpq.send_prepare(name, numbered.encode())
        await self._answer()
        self._names[statement] = name
        return name

    async def _answer(self) -> PGresult:
        """Return the server's answer to everything that was sent."""
        if self._libpq.flush():
            await self._send_the_rest()
        result = await self._next_result()
        while await self._next_result() is not None:
            pass
        if result is None or result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise error_from_result(result) if result else psycopg.OperationalError("no answer")
        return result

    async def _next_result(self) -> PGresult | None:
        while self._libpq.is_busy():
            if self._loss is not None:
                raise self._loss
            self._news = self._loop.create_future()
            await self._news
        return self._libpq.get_result()

    def _read(self) -> None:
        """Read available input. Called while sending, too: the server may wait for its output to be read."""
        if not self._is_asking:
            self._heard_unasked = True
            self._unwatch()
            return
        try:
            self._libpq.consume_input()
        except psycopg.Error as error:
            self._lose(error)
        else:
            _wake(self._news)

    def _lose(self, error: psycopg.Error) -> None:
        """Stop watching the socket. libpq has closed it, so its number may soon belong to another connection."""
        self._unwatch()
        self._loss = error
        for waiting in (self._news, self._room):
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    async def _send_the_rest(self) -> None:
        """Send the rest of a batch that is larger than the socket's buffer."""
        while self._libpq.flush():
            if self._loss is not None:
                raise self._loss
            self._room = self._loop.create_future()
            self._loop.add_writer(self._socket, _wake, self._room)
            try:
                await self._room
            finally:
                if self._is_watched:
                    self._loop.remove_writer(self._socket)


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


def _text(value: Parameter) -> bytes | None:
    """Return a parameter as text. Raises psycopg.DataError for NUL, which PostgreSQL's texts cannot hold."""
    if value is None:
        return None
    text = _array(value) if isinstance(value, list | tuple) else str(value)
    if "\0" in text:
        raise _nul()
    return text.encode()


def _array(values: Sequence[Value]) -> str:
    """Return an array literal. All values have the type of the first."""
    if not values:
        return "{}"
    if isinstance(values[0], int | float):
        return "{" + ",".join(map(repr, values)) + "}"
    if isinstance(values[0], bytes):
        return r'{"\\x' + r'","\\x'.join(map(bytes.hex, values)) + '"}'  # type: ignore[arg-type]  # all are bytes
    # Escape all values at once: one by one takes five times as long.
    text = "\0".join(map(str, values))
    if text.count("\0") >= len(values):
        raise _nul()
    text = text.replace("\\", r"\\").replace('"', r"\"")
    return '{"' + text.replace("\0", '","') + '"}'


def _nul() -> psycopg.DataError:
    return psycopg.DataError("a NUL character")
