"""Authorization server as an ASGI application, for any HTTP server and any process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Awaitable, Callable

from django.conf import settings

from tokens.protocol.http import Answer, Request
from tokens.runtime.services import Services
from tokens.serving.application import Application
from tokens.serving.asgi_messages import Message, Receive, Send, respond
from tokens.serving.operations import Operations, PortInUse
from tokens.storage.pooler import UnsafePooler, refuse_unsafe


class AuthorizationServer:
    """ASGI application for `http` and `lifespan`. HttpConnection calls `answer` directly (docs/decisions/0005)."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.services: Services = application.services
        self.operations = Operations(self.services.store)
        self.answer: Callable[[Request], Awaitable[Answer]] = application.answer
        self.serves = application.serves

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await respond(self.answer, scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop as the HTTP server asks; report a failed start in one message."""
        await receive()
        try:
            await self._start()
        except (PortInUse, UnsafePooler) as problem:
            await send({"type": "lifespan.startup.failed", "message": str(problem)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.operations.close()
        await self.services.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        await refuse_unsafe(self.services.policy.database)
        is_worker = multiprocessing.parent_process() is not None  # of several (`--workers`)
        await self.operations.listen(settings.OPERATIONS_HOST, settings.OPERATIONS_PORT, with_others=is_worker)
        self.services.background.ensure_started()
