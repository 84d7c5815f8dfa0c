"""PostgreSQL behind a wall that can freeze: connections stay, and nothing passes any more."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Wall:
    """`parameters`: how psycopg reaches the database through it."""

    def __init__(self, database: dict[str, Any]) -> None:
        self._target = f"{database['host']}/.s.PGSQL.{database.get('port', 5432)}"
        self._entrance = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._passes = threading.Event()
        self._passes.set()
        self.parameters = {**database, "host": "127.0.0.1", "port": self._entrance.getsockname()[1]}
        threading.Thread(target=self._let_in, daemon=True).start()

    def freeze(self) -> None:
        self._passes.clear()

    def thaw(self) -> None:
        self._passes.set()

    def close(self) -> None:
        self.thaw()
        for link in (self._entrance, *self._open):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def _let_in(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                inside, outside = self._entrance.accept()[0], socket.socket(socket.AF_UNIX)
                outside.connect(self._target)
                self._open += [inside, outside]
                for pair in ((inside, outside), (outside, inside)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._passes.wait()
                target.sendall(data)
            self._passes.wait()
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def wall(database: dict[str, Any]) -> Iterator[Wall]:
    made = Wall(database)
    try:
        yield made
    finally:
        made.close()
