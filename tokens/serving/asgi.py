"""The process that serves machines only: the authorization server, and its operations on their own port."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Awaitable, Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.conf import settings  # noqa: E402  (settings first)

from foundation.log_lines import write_lines_only  # noqa: E402
from tokens.protocol import policy  # noqa: E402
from tokens.protocol.http import Answer, Request  # noqa: E402
from tokens.runtime.services import Server  # noqa: E402
from tokens.serving.application import Application  # noqa: E402
from tokens.serving.operations import Operations, PortInUse  # noqa: E402
from tokens.storage.pooler import UnsafePooler, refuse_unsafe  # noqa: E402

Message = dict[str, Any]


class Process:
    """What uvicorn starts and ends, and what its connections ask for answers (tokens/serving/http_connection.py)."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._operations = Operations(server.store)
        self.answer: Callable[[Request], Awaitable[Answer]] = Application(server).answer

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """ASGI's lifespan, which is how uvicorn tells of start and end. Requests do not come this way."""
        await receive()
        is_worker = multiprocessing.parent_process() is not None  # of several (`--workers`)
        try:
            await refuse_unsafe(self._server.configuration.database)
            await self._operations.listen(settings.OPERATIONS_HOST, settings.OPERATIONS_PORT, with_others=is_worker)
        except (PortInUse, UnsafePooler) as problem:
            await send({"type": "lifespan.startup.failed", "message": str(problem)})
            return
        self._server.background.ensure_started()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._operations.close()
        await self._server.close()
        await send({"type": "lifespan.shutdown.complete"})


write_lines_only()
application = Process(Server(policy.from_settings()))

# What was loaded stays, so the collector need not walk it. And a batch of requests under way has more objects than its
# usual threshold (2,000), so it would run for each batch, to find nothing: requests leave no cycles behind.
gc.collect()
gc.freeze()
gc.set_threshold(50_000)
