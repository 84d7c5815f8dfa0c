"""Waiting for what happens in another process."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 45  # seconds; beat sweeps every ten


def wait_for(condition: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")
