"""The process that serves machines only: the authorization server, its health, its metrics (tokens/serve.py)."""

from __future__ import annotations

import gc
import os
from collections.abc import Awaitable, Callable
from typing import Any

import django
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from tokens import configuration  # noqa: E402  (settings first)
from tokens.application import Application  # noqa: E402
from tokens.batcher import Unavailable  # noqa: E402
from tokens.http import Answer, Request, plain  # noqa: E402
from tokens.log_stream import standard_error, take_over_loggers  # noqa: E402
from tokens.server import Server  # noqa: E402

Message = dict[str, Any]


class Process:
    """What uvicorn starts and ends, and what its connections ask for answers (tokens/http_connection.py)."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._oauth = Application(server)
        self._operations = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics}

    def answer(self, request: Request) -> Awaitable[Answer]:
        operation = self._operations.get(request.path)
        return self._oauth.answer(request) if operation is None else operation()

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """ASGI's lifespan, which is how uvicorn tells of start and end. Requests do not come this way."""
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await self._server.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _healthz(self) -> Answer:
        return plain(200, b"application/json", b'{"status": "ok"}')

    async def _readyz(self) -> Answer:
        try:
            await self._server.store.offered_scopes(frozenset({"-"}))
        except Unavailable:
            return plain(503, b"application/json", b'{"status": "unavailable"}')
        return await self._healthz()

    async def _metrics(self) -> Answer:
        return plain(200, CONTENT_TYPE_LATEST.encode(), generate_latest())


log = standard_error()
take_over_loggers(log)
application = Process(Server(configuration.from_settings(), log=log))

# What was loaded stays, so the collector need not walk it. And a batch of requests under way has more objects than its
# usual threshold (2,000), so it would run for each batch, to find nothing: requests leave no cycles behind.
gc.collect()
gc.freeze()
gc.set_threshold(50_000)
