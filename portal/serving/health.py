"""Check of the broker for /readyz of `web`, beside that of the database in tokens/serving/operations.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings
from kombu import Connection

TIMEOUT_S = 1
# The first two are options of Redis transports, the others of RabbitMQ's.
_BOUNDS = dict.fromkeys(("socket_connect_timeout", "socket_timeout", "read_timeout", "write_timeout"), TIMEOUT_S)


class Broker:
    """Connection to the broker, kept open, for one event loop; concurrent checks share one question."""

    def __init__(self) -> None:
        self._asking: asyncio.Task[bool] | None = None
        self._connection: Connection | None = None

    async def answers(self) -> bool:
        """Return whether the broker answers. Pages do not need it: waiting work is in the outbox."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(asyncio.to_thread(self._answers))
        return await asyncio.shield(self._asking)

    def _answers(self) -> bool:
        try:
            self._ask()
        except Exception:  # each kind of broker has errors of its own
            self._forget()
            return False
        return True

    def _ask(self) -> None:
        if self._connection is None:
            self._connection = Connection(
                settings.CELERY_BROKER_URL, connect_timeout=TIMEOUT_S, transport_options=_BOUNDS
            )
            self._connection.ensure_connection(max_retries=0)
        channel: Any = self._connection.default_channel  # its class depends on the transport
        if client := getattr(channel, "client", None):  # Redis
            client.ping()
        else:
            channel.basic_qos(0, 1, False)  # the smallest question of AMQP that has an answer

    def lengths(self, queues: Iterable[str]) -> dict[str, int]:
        """Return how many tasks wait in each queue; {} while the broker does not answer."""
        try:
            with Connection(
                settings.CELERY_BROKER_URL, connect_timeout=TIMEOUT_S, transport_options=_BOUNDS
            ) as connection:
                connection.ensure_connection(max_retries=0)
                channel: Any = connection.default_channel
                declared = (channel.queue_declare(name, durable=True, auto_delete=False) for name in queues)
                return {queue.queue: queue.message_count for queue in declared}
        except Exception:  # each kind of broker has errors of its own
            return {}

    def _forget(self) -> None:
        broken, self._connection = self._connection, None
        if broken is not None:
            with suppress(Exception):
                broken.release()
