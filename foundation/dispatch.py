"""Telling a worker at once what beat would find later. Nothing waits for the broker, and nothing fails with it.

A thread sends the messages, so that a broker that hangs holds up no page, and the time of a page does not tell whether
there was anything to send. A process that ends waits for what it has not sent yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from celery import current_app
from django.db import transaction

BROKER_RETRY_AFTER_S = 10  # seconds for which a broker that failed is not tried again: beat looks as often

logger = logging.getLogger(__name__)
_sender = ThreadPoolExecutor(1, thread_name_prefix="waking")
_away_until = 0.0


def wake(task: str, *args: Any, **options: Any) -> None:
    """Once the transaction has committed. The message may be lost: the task is about rows, and beat finds those."""
    send = current_app.send_task  # of this thread's application
    transaction.on_commit(lambda: _sender.submit(_send, send, task, args, options), robust=True)


def _send(send: Callable[..., Any], task: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    global _away_until
    if monotonic() < _away_until:
        return
    try:
        send(task, args, **options)
    except Exception as error:  # whatever it is, nobody else in this thread would tell
        _away_until = monotonic() + BROKER_RETRY_AFTER_S
        logger.warning("the broker is away, so %s waits for beat: %s", task, error)
