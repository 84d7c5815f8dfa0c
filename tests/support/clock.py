"""How long something takes, on a machine that other work may slow down for a while."""

import time
from collections.abc import Callable


def seconds_taken(act: Callable[[], object], *, good_enough: float = 0.05, tries: int = 5) -> float:
    """The CPU seconds of the fastest try; one that is `good_enough` ends the trying."""
    best = float("inf")
    for _ in range(tries):
        start = time.thread_time()
        act()
        best = min(best, time.thread_time() - start)
        if best < good_enough:
            break
    return best
