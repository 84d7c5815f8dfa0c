"""Health and metrics of a process, on a separate port (`OPERATIONS_PORT`) that no public address reaches.

They are answered in the event loop of the authorization server: in `web` beside the threads that serve pages, so that
busy threads do not delay them. Any Host is accepted, and no database connection is opened for them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from uvicorn.server import ServerState

from foundation import VERSION
from foundation.ip_addresses import listening_host
from tokens.protocol.http import Answer, Request, plain
from tokens.serving.http_connection import HttpConnection
from tokens.storage.batcher import Unavailable
from tokens.storage.store import Store

if TYPE_CHECKING:
    import uvicorn

DATABASE_TIMEOUT_S = 2.0  # less than the 3 s that health checks usually wait

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[bool]]


class PortInUse(Exception):
    """Address and port that another process listens on; the message says what to set."""


class Operations:
    """Health and metrics endpoints. `reported`: further checks that /readyz shows without depending on them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reported: dict[str, Check] = {}
        self._listener: asyncio.Server | None = None
        self._connections = ServerState()
        self._answers = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics}

    async def listen(self, host: str, port: int, *, with_others: bool = False) -> None:
        """Listen on this address; port 0 means not at all. `with_others`: the workers of a process share the port.

        Raises PortInUse.
        """
        if port == 0:
            return
        config = cast("uvicorn.Config", SimpleNamespace(loaded_app=self))
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                lambda: HttpConnection(config, self._connections),
                listening_host(host),
                port,
                reuse_port=with_others or None,
            )
        except OSError as error:
            raise PortInUse(
                f"Health and metrics cannot listen on {host} port {port} ({error.strerror}). "
                "Set OPERATIONS_HOST and OPERATIONS_PORT; each process needs a port of its own, 0 is none."
            ) from error

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections.connections):
            connection.shutdown()

    async def answer(self, request: Request) -> Answer:
        respond = self._answers.get(request.path)
        if respond is None:
            return _json(404, {"status": "unknown", "paths": sorted(self._answers)})
        if request.method not in ("GET", "HEAD"):
            return _json(405, {"status": "unknown"}).with_header(b"allow", b"GET, HEAD")
        return await respond()

    async def _healthz(self) -> Answer:
        """Answer that the process is alive: restart it when this fails."""
        return _json(200, {"status": "ok", "version": VERSION})

    async def _readyz(self) -> Answer:
        """Answer whether the process is ready: send it no traffic while this fails, as on a read-only database."""
        writable, *answers = await asyncio.gather(self._is_writable(), *(check() for check in self.reported.values()))
        is_ready = writable is True
        described = {
            "status": "ok" if is_ready else "unavailable",
            "database": writable is not None,
            "writable": is_ready,
            **dict(zip(self.reported, answers, strict=True)),
        }
        return _json(200 if is_ready else 503, described)

    async def _is_writable(self) -> bool | None:
        """Return whether the database accepts writes; None if it does not answer."""
        try:
            async with asyncio.timeout(DATABASE_TIMEOUT_S):
                return await self._store.is_writable()
        except (Unavailable, TimeoutError):
            return None

    async def _metrics(self) -> Answer:
        """Answer with metrics for Prometheus, collected in a thread because a collector may be slow."""
        text = await asyncio.to_thread(generate_latest)
        return plain(200, CONTENT_TYPE_LATEST.encode(), text)


def _json(status: int, payload: dict[str, Any]) -> Answer:
    return plain(status, b"application/json", json.dumps(payload).encode())
