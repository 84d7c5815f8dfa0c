"""Program that bench/compare.py runs in valgrind, to count the instructions that a request takes.

Its argument is a file of HTTP requests. The server answers them in this process, without sockets, CONNECTIONS at a
time; statements that issue or look up tokens are answered at once, so PostgreSQL and its driver are not counted.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pickle
import sys
from pathlib import Path
from typing import Any

CONNECTIONS = 64
WARMING_UP = 3  # batches


class Transport:
    """Takes the answer of one request."""

    def __init__(self) -> None:
        self.answered = b""

    def write(self, data: bytes) -> None:
        self.answered = data

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> tuple[str, int] | None:
        return ("127.0.0.1", 1) if name == "peername" else None

    def resume_reading(self) -> None: ...


async def answer(requests: list[bytes]) -> None:
    """Answer all. `getsid`, which nothing else calls, marks begin and end of what valgrind counts."""
    # Of the tree in PYTHONPATH, which may be another commit than this file's.
    from uvicorn.server import ServerState  # noqa: PLC0415

    from tokens.serving.asgi import application  # noqa: PLC0415
    from tokens.serving.http_connection import HttpConnection  # noqa: PLC0415

    _answer_statements(application.services)
    config: Any = type("Config", (), {"loaded_app": application})
    lines = [(HttpConnection(config, ServerState()), Transport()) for _ in range(CONNECTIONS)]
    for connection, transport in lines:
        connection.connection_made(transport)  # type: ignore[arg-type]
    for number, batch in enumerate(itertools.batched(requests, CONNECTIONS)):
        if number == WARMING_UP:
            os.getsid(0)
        for (connection, transport), request in zip(lines, batch, strict=True):
            transport.answered = b""
            connection.data_received(request)
        while not all(transport.answered for _, transport in lines):
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    os.getsid(0)
    assert all(transport.answered.startswith(b"HTTP/1.1 200") for _, transport in lines), lines[0][1].answered


def _answer_statements(services: Any) -> None:
    """Answer ISSUE by "done" and LOOK_UP by what the database said the first time; write nothing behind."""
    from tokens.storage import sql  # noqa: PLC0415
    from tokens.storage.pg_connection import Connection  # noqa: PLC0415

    ask, known = Connection.run, {}

    async def run(self: Connection, statement: Any, parameters: Any) -> Any:
        if statement is sql.ISSUE:
            return [(position, True) for position in parameters[0]]
        if statement is not sql.LOOK_UP:
            return await ask(self, statement, parameters)
        tokens = tuple(parameters[0])
        if tokens not in known:
            known[tokens] = await ask(self, statement, parameters)
        return known[tokens]

    async def covers(_server: str) -> bool:
        return True

    Connection.run = run  # type: ignore[method-assign]
    services.store.lease.covers = covers
    services.background.ensure_started = lambda: None


if __name__ == "__main__":
    import uvloop

    uvloop.run(answer(pickle.loads(Path(sys.argv[1]).read_bytes())))
    os._exit(0)
