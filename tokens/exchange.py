"""One prepared statement to PostgreSQL and its rows back, by libpq as psycopg wraps it.

psycopg's cursor and its adaptation of lists are written in Python: for a small batch they took half of the CPU between
a request and its commit. Here a parameter is the text that PostgreSQL would print, and psycopg's loaders read the rows.
"""

from __future__ import annotations

import re
import select
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

Value = int | float | str | bytes | date
Parameter = Value | None | Sequence[Value]

_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"'})


class Exchange:
    """On an open connection in autocommit, for one thread at a time. `patience`: seconds to wait for the server's word.

    Statements mark their parameters with %b and give those that are lists a type, as in %b::bigint[].
    """

    def __init__(self, connection: psycopg.Connection[Any], patience: float) -> None:
        self._connection, self._patience = connection, patience
        self._libpq = connection.pgconn
        self._libpq.nonblocking = 1
        self._names: dict[str, bytes] = {}
        self._socket = self._libpq.socket
        self._readable, self._both = select.poll(), select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self._both.register(self._socket, select.POLLIN | select.POLLOUT)

    def has_news(self) -> bool:
        """Is there something to read although nothing was asked?"""
        return bool(self._readable.poll(0))

    def run(self, statement: str, parameters: Sequence[Parameter]) -> list[tuple[Any, ...]]:
        """The statement's rows, once its transaction has ended. Raises psycopg.Error."""
        name = self._names.get(statement) or self._prepare(statement)
        self._libpq.send_query_prepared(name, [_text(value) for value in parameters], result_format=Format.BINARY)
        result = self._answer()
        if result.status != ExecStatus.TUPLES_OK:
            return []
        rows = Transformer(self._connection)
        rows.set_pgresult(result)
        return rows.load_rows(0, result.ntuples, tuple)

    def close(self) -> None:
        self._connection.close()

    def _prepare(self, statement: str) -> bytes:
        name = b"s%d" % len(self._names)
        number = iter(range(1, 1 + statement.count("%b")))
        numbered = re.sub("%b", lambda _: f"${next(number)}", statement)
        self._libpq.send_prepare(name, numbered.encode())
        self._answer()
        self._names[statement] = name
        return name

    def _answer(self) -> PGresult:
        """What the server says to all that was sent. It may want to be read before it reads on."""
        while self._libpq.flush():
            for _, event in self._wait(self._both):
                if event & ~select.POLLOUT:
                    self._libpq.consume_input()
        result = self._next_result()
        while self._next_result() is not None:
            pass
        if result is None or result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise error_from_result(result) if result else psycopg.OperationalError("no answer")
        return result

    def _next_result(self) -> PGresult | None:
        while self._libpq.is_busy():
            self._wait(self._readable)
            self._libpq.consume_input()
        return self._libpq.get_result()

    def _wait(self, poll: select.poll) -> list[tuple[int, int]]:
        if not (events := poll.poll(self._patience * 1000)):
            raise psycopg.OperationalError(f"no word from the server in {self._patience:.0f} s")
        return events


def _text(value: Parameter) -> bytes | None:
    """Raises psycopg.DataError for NUL, which no text in PostgreSQL can hold."""
    if value is None:
        return None
    text = _array(value) if isinstance(value, list | tuple) else str(value)
    if "\0" in text:
        raise psycopg.DataError("a NUL character")
    return text.encode()


def _array(values: Sequence[Value]) -> str:
    """All of one type, which the first one tells."""
    if not values:
        return "{}"
    of_kind: Callable[[Any], str] = _quoted
    if isinstance(values[0], bytes):
        of_kind = _hexadecimal
    elif isinstance(values[0], int | float):
        of_kind = repr
    return "{" + ",".join(map(of_kind, values)) + "}"


def _hexadecimal(value: bytes) -> str:
    return f'"\\\\x{value.hex()}"'


def _quoted(value: str | date) -> str:
    return f'"{str(value).translate(_ESCAPED)}"'
