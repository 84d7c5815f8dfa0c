"""Run one act many times at once, over real connections that all start together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from foundation.refusals import Refusal


def at_once(times: int, act: Callable[[int], Any]) -> list[Any]:
    """Return the result of each run, or the exception it raised."""
    start, outcomes = threading.Barrier(times), [None] * times

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=10)
            outcomes[number] = act(number)
        except Exception as error:  # the outcome that the test looks at
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


def refused(outcomes: list[Any]) -> list[object]:
    """The code of each refusal; an exception that is none stays as it is, so that no test takes it for one."""
    return [
        outcome.code if isinstance(outcome, Refusal) else outcome
        for outcome in outcomes
        if isinstance(outcome, Exception)
    ]
