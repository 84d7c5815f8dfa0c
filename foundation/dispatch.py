"""Prompt dispatch of tasks that beat would find later. Callers never wait for the broker and never fail with it.

A thread sends the messages, so a hanging broker delays no page, and the duration of a page does not reveal whether
there was anything to send. A process waits at its exit for unsent messages. The thread takes over the context of the
caller: the ids for log lines, and the span.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from time import monotonic
from typing import Any

from celery import current_app
from django.db import transaction

# Limits for mail and webhooks, which go to servers of others: about a day and a half with the delays below.
MAX_ATTEMPTS = 17
FIRST_DELAY = timedelta(seconds=10)
MAX_DELAY = timedelta(hours=6)
BROKER_RETRY_AFTER_S = 10  # after a failure; as often as beat looks for work

logger = logging.getLogger(__name__)
_sender = ThreadPoolExecutor(1, thread_name_prefix="waking")
_away_until = 0.0


def wake(task: str, *args: Any, **options: Any) -> None:
    """Send a task once the transaction has committed. A lost message is harmless: beat finds the task's rows."""
    send = current_app.send_task  # of this thread's application
    transaction.on_commit(lambda: _sender.submit(copy_context().run, _send, send, task, args, options), robust=True)


def delay(attempts: int) -> timedelta:
    """Return the time until another try, after this many earlier ones: 10 s, 20 s, 40 s ... 6 h."""
    return min(FIRST_DELAY * (1 << attempts), MAX_DELAY)


def _send(send: Callable[..., Any], task: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    global _away_until
    if monotonic() < _away_until:
        return
    try:
        send(task, args, **options)
    except Exception as error:  # an exception in this thread would go unnoticed
        _away_until = monotonic() + BROKER_RETRY_AFTER_S
        logger.warning("the broker is away, so %s waits for beat: %s", task, error)
