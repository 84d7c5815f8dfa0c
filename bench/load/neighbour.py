"""A second load generator, for `make bench ARGS=--busy`: it asks a server of its own without a pause.

`python -m bench.load.neighbour PORT SECONDS`, which bench/run.py starts. Both share the cores of what is measured. It
ends after SECONDS at the latest, and with the benchmark.
"""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import replace

from bench.load import traffic
from bench.load.generator import closed_loop
from bench.machine import on_core
from bench.place import OTHER_CORE, Place
from bench.servers import ceiling, launch
from dev.servers import stack
from dev.servers.processes import start

CONNECTIONS = 64


def start_beside(place: Place, seconds: int) -> None:
    """Start a server of nothing but HTTP and its load; `place` ends both. Raises UnableToStart."""
    running = launch(place, replace(next(ceiling(place)), name="neighbour"))
    command = [sys.executable, "-m", "bench.load.neighbour", str(running.port), str(seconds)]
    log = place.directory / "neighbour-load.log"
    with on_core(OTHER_CORE):
        place.started.append(start("neighbour-load", command, env=place.environment, cwd=stack.ROOT, log=log))


def main(port: int, seconds: int) -> None:
    end = time.monotonic() + seconds
    request = traffic.by_secret("/token", ("neighbour", "neighbour"), "bench.read")
    while time.monotonic() < end:
        closed_loop(port, itertools.repeat(request), traffic.A_TOKEN, connections=CONNECTIONS, seconds=1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
