"""One prepared statement to PostgreSQL and its rows back, by libpq as psycopg wraps it.

psycopg's cursor and its adaptation of lists are written in Python: for a small batch they took half of the CPU between
a request and its commit. Here a parameter is the text that PostgreSQL would print, and psycopg's loaders read the rows.
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
    """On an open connection in autocommit, one statement at a time, in the event loop that opened it.

    Statements mark their parameters with %b and give those that are lists a type, as in %b::bigint[].
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._libpq.nonblocking = 1
        self._names: dict[str, bytes] = {}
        self._loop = asyncio.get_running_loop()
        self._socket = self._libpq.socket
        self._is_asking, self._heard_unasked = False, False
        self._news: asyncio.Future[None] | None = None
        self._loop.add_reader(self._socket, self._read)

    @property
    def is_quiet(self) -> bool:
        """False once there was something to read although nothing was asked: the server has hung up.

        As of the event loop's last look at its sockets, which is before a batch leaves.
        """
        return not self._heard_unasked

    async def run(self, statement: str, parameters: Sequence[Parameter]) -> list[tuple[Any, ...]]:
        """The statement's rows, once its transaction has ended. Raises psycopg.Error."""
        self._is_asking = True
        name = self._names.get(statement) or await self._prepare(statement)
        self._libpq.send_query_prepared(name, [_text(value) for value in parameters], result_format=Format.BINARY)
        result = await self._answer()
        self._is_asking = False
        if result.status != ExecStatus.TUPLES_OK:
            return []
        rows = Transformer(self._connection)
        rows.set_pgresult(result)
        return rows.load_rows(0, result.ntuples, tuple)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._libpq.finish()

    async def _prepare(self, statement: str) -> bytes:
        name = b"s%d" % len(self._names)
        number = iter(range(1, 1 + statement.count("%b")))
        numbered = re.sub("%b", lambda _: f"${next(number)}", statement)
        self._libpq.send_prepare(name, numbered.encode())
        await self._answer()
        self._names[statement] = name
        return name

    async def _answer(self) -> PGresult:
        """What the server says to all that was sent."""
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
            self._news = self._loop.create_future()
            await self._news
        return self._libpq.get_result()

    def _read(self) -> None:
        """Called when there is something to read, also while we still send: the server may wait for us to read."""
        news, self._news = self._news, None
        if not self._is_asking:
            self._heard_unasked = True
            self._loop.remove_reader(self._socket)
            return
        try:
            self._libpq.consume_input()
        except psycopg.Error as error:
            self._loop.remove_reader(self._socket)
            if news is not None and not news.done():
                news.set_exception(error)
        else:
            if news is not None and not news.done():
                news.set_result(None)

    async def _send_the_rest(self) -> None:
        """A batch that is larger than what the socket holds at once."""
        while self._libpq.flush():
            writable = self._loop.create_future()
            self._loop.add_writer(self._socket, writable.set_result, None)
            try:
                await writable
            finally:
                self._loop.remove_writer(self._socket)


def _text(value: Parameter) -> bytes | None:
    """Raises psycopg.DataError for NUL, which no text in PostgreSQL can hold."""
    if value is None:
        return None
    text = _array(value) if isinstance(value, list | tuple) else str(value)
    if "\0" in text:
        raise _nul()
    return text.encode()


def _array(values: Sequence[Value]) -> str:
    """All of one type, which the first one tells."""
    if not values:
        return "{}"
    if isinstance(values[0], int | float):
        return "{" + ",".join(map(repr, values)) + "}"
    if isinstance(values[0], bytes):  # and so all of them, which the type does not say
        return r'{"\\x' + r'","\\x'.join(map(bytes.hex, values)) + '"}'  # type: ignore[arg-type]
    # All at once: to escape one by one takes five times as long.
    text = "\0".join(map(str, values))
    if text.count("\0") >= len(values):
        raise _nul()
    text = text.replace("\\", r"\\").replace('"', r"\"")
    return '{"' + text.replace("\0", '","') + '"}'


def _nul() -> psycopg.DataError:
    return psycopg.DataError("a NUL character")
