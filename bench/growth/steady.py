"""A steady state: tokens that live a minute at a steady rate, and a purge each minute."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace

from bench import machine
from bench.growth.measurements import Chore
from bench.load import traffic
from bench.load.generator import open_loop
from bench.place import Place
from bench.rows.population import Population
from bench.servers import keydesk, launch

RATE, CONNECTIONS = 2_000, 64
MINUTE = 60.0  # seconds: of a measurement, and that a token lives
FIRST_FULL = 3  # in the first minute no token expires, and in the second there is nothing to purge when it begins

type Figures = dict[str, object]


def minutes(place: Place, population: Population, chore: Chore, count: int) -> list[Figures]:
    """The CPU of PostgreSQL per token, purge and autovacuum in it, minute by minute."""
    server = replace(next(keydesk(place)), name="keydesk-steady")
    running = launch(place, replace(server, environment={**server.environment, "TOKEN_LIFETIME": f"{MINUTE:.0f}"}))
    request = traffic.by_secret(server.token_path, place.actors.secret("basic"), place.actors.scope)
    found: list[Figures] = []
    for minute in range(1, count + 1):
        before = machine.cpu_seconds(place.database.pid), machine.cpu_seconds(running.process.pid)
        chore.start("purge")
        measured = open_loop(
            running.port, itertools.repeat(request), traffic.A_TOKEN, connections=CONNECTIONS, seconds=MINUTE, rate=RATE
        )
        began_at, done_at = chore.times()
        after = machine.cpu_seconds(place.database.pid), machine.cpu_seconds(running.process.pid)
        database, ours = (late - early for early, late in zip(before, after, strict=True))
        found.append(
            {
                "minute": minute,
                "rate": measured.rate,
                "p99_ms": measured.percentile(0.99) * 1e3,
                "database_us": database / measured.answered * 1e6,
                "server_us": ours / measured.answered * 1e6,
                "purge_seconds": done_at - began_at,
                "megabytes": population.bytes_of_tokens() // 2**20,
            }
        )
        print(f"Minute {minute} of {count}", file=sys.stderr)
    running.process.stop()
    return found
