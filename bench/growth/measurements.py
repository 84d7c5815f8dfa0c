"""The measurements of `make bench-scale`, on one Keydesk whose tables grow."""

from __future__ import annotations

import itertools
import json
import random
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from bench import machine
from bench.load import traffic
from bench.load.generator import Measured, ServerFailed, closed_loop, open_loop
from bench.machine import on_core
from bench.place import OTHER_CORE, Place
from bench.rows.population import Population, secret_of
from bench.servers import Running, is_active, issue, keydesk, launch
from dev.servers import stack

CONNECTIONS = 32
ROUNDS, SECONDS = 3, 1.5
REQUESTS = 20_000  # different ones, at most
CACHE_FILLS = 120  # seconds, at most, in which each client is asked for once
PURGE_RATE, PURGE_SECONDS = 500, 2.0  # each p99 is of a thousand requests
INVALIDATIONS = 5
MEMORY_STEPS = 10
DEFAULT_CACHED_CLIENTS = 50_000

type Figures = dict[str, object]


def powers(smallest: int, largest: int) -> list[int]:
    """Of ten, from the one to the other."""
    return [size for size in (smallest * 10**n for n in range(10)) if size < largest] + [largest]


class Bench:
    def __init__(self, place: Place, running: Running, population: Population) -> None:
        self.place, self.running, self.population = place, running, population
        self.chore = Chore(place)

    def tokens(self, sizes: list[int]) -> list[Figures]:
        """Looking tokens up and issuing them, by how many live."""
        found = []
        for size in sizes:
            self.population.remove_issued()
            self.population.grow_tokens(size)
            rows: Figures = {"size": size, "megabytes": self.population.bytes_of_tokens() // 2**20}
            rows["lookup"] = self._speed(itertools.cycle(self._introspections()), traffic.ACTIVE)
            rows["issue"] = self._speed(itertools.repeat(self._by_secret()), traffic.A_TOKEN)
            found.append(rows)
        return found

    def clients(self, sizes: list[int]) -> list[Figures]:
        """Issuing to clients chosen at random, by how many there are, and the server's memory after that."""
        path, scope = self.running.server.token_path, self.place.actors.scope
        found = []
        for size in sizes:
            self.population.grow_clients(size)
            requests = [traffic.by_secret(path, secret_of(number), scope) for number in range(1, size + 1)]
            self._loop(iter(requests), traffic.A_TOKEN, CACHE_FILLS)
            speed = self._speed(iter(lambda some=requests: random.choice(some), None), traffic.A_TOKEN)
            kept = int(self.running.server.environment.get("CACHED_CLIENTS", DEFAULT_CACHED_CLIENTS))
            found.append({"size": size, "kept": kept, "issue": speed, "megabytes": self._megabytes()})
        return found

    def purge(self, count: int) -> Figures:
        """The p99 of issuance, in ms, while expired rows are removed, and without that."""
        self.population.add_expired(count)
        quiet = [self._p99() for _ in range(5)]
        self.chore.start("purge")
        during = []
        while not self.chore.is_done():
            during.append(self._p99())
        began_at, done_at = self.chore.times()
        return {"rows": count, "seconds": done_at - began_at, "quiet_p99_ms": quiet, "p99_ms": during}

    def invalidation(self) -> Figures:
        """Measure how long until the tokens of a client with a million of them are refused.

        `act_ms`: the act; `effective_ms`: from its start to the first introspection that said inactive;
        `clean_seconds`: the worker's part.
        """
        client, living = self.population.client, self.population.living_tokens()
        act, effective = [], []
        for _ in range(INVALIDATIONS):
            token = issue(self.running, self.place.actors)
            self.chore.start(f"invalidate {client}")
            while is_active(self.running, self.place.actors, token):
                pass
            refused_at = time.time()
            began_at, done_at = self.chore.times()
            act.append((done_at - began_at) * 1e3)
            effective.append((refused_at - began_at) * 1e3)
        self.chore.start(f"clean {client}")
        began_at, done_at = self.chore.times()
        return {"living": living, "act_ms": act, "effective_ms": effective, "clean_seconds": done_at - began_at}

    def memory(self, requests: int) -> list[Figures]:
        """The server's resident memory while it answers so many requests."""
        found: list[Figures] = [{"requests": 0, "megabytes": self._megabytes()}]
        for step in range(1, MEMORY_STEPS + 1):
            some = itertools.repeat(self._by_secret(), requests // MEMORY_STEPS)
            closed_loop(self.running.port, some, traffic.A_TOKEN, connections=64, seconds=600)
            found.append({"requests": step * requests // MEMORY_STEPS, "megabytes": self._megabytes()})
        return found

    def _speed(self, endless: Iterator[bytes], expected: re.Pattern[bytes]) -> Figures:
        self._loop(endless, expected, SECONDS)  # caches settle
        before = machine.cpu_seconds(self.place.database.pid)
        measured = [self._loop(endless, expected, SECONDS) for _ in range(ROUNDS)]
        database = machine.cpu_seconds(self.place.database.pid) - before
        rates = [each.rate for each in measured]
        return {
            "rates": rates,
            "p50_ms": median(each.percentile(0.5) for each in measured) * 1e3,
            "p99_ms": median(each.percentile(0.99) for each in measured) * 1e3,
            "database_us": database / sum(each.answered for each in measured) * 1e6,
        }

    def _loop(self, requests: Iterator[bytes], expected: re.Pattern[bytes], seconds: float) -> Measured:
        return closed_loop(self.running.port, requests, expected, connections=CONNECTIONS, seconds=seconds)

    def _p99(self) -> float:
        requests = itertools.repeat(self._by_secret())
        measured = open_loop(
            self.running.port, requests, traffic.A_TOKEN, connections=64, seconds=PURGE_SECONDS, rate=PURGE_RATE
        )
        return measured.percentile(0.99) * 1e3

    def _by_secret(self) -> bytes:
        actors = self.place.actors
        return traffic.by_secret(self.running.server.token_path, actors.secret("basic"), actors.scope)

    def _introspections(self) -> list[bytes]:
        path, caller = self.running.server.introspection_path, self.place.actors.secret("reader")
        return [traffic.introspection(path, token, caller) for token in self.population.samples[:REQUESTS]]

    def _megabytes(self) -> float:
        return machine.resident_bytes(self.running.process.pid) / 2**20


def all_kept(place: Place, population: Population, size: int) -> list[Figures]:
    """Measure issuing to that many clients by a server that keeps the snapshots of all."""
    server = next(keydesk(place))
    environment = {**server.environment, "CACHED_CLIENTS": str(size)}
    bench = Bench(place, launch(place, replace(server, environment=environment)), population)
    found = bench.clients([size])
    bench.chore.close()
    bench.running.process.stop()
    return found


class Chore:
    """bench/growth/chore.py, at work beside the server: on the core of the database. One command at a time."""

    def __init__(self, place: Place) -> None:
        command, pipe = [sys.executable, "-m", "bench.growth.chore"], subprocess.PIPE
        with on_core(OTHER_CORE):
            self._process = subprocess.Popen(
                command, env=place.environment, cwd=stack.ROOT, stdin=pipe, stdout=pipe, text=True
            )
        self._next_line()

    def start(self, command: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def is_done(self) -> bool:
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def times(self) -> tuple[float, float]:
        """When it began and when it was done, in seconds since 1970; waits for that."""
        began_at, done_at = json.loads(self._next_line())
        return began_at, done_at

    def close(self) -> None:
        self._process.communicate()

    def _next_line(self) -> str:
        assert self._process.stdout
        if not (line := self._process.stdout.readline()):
            raise ServerFailed("bench.growth.chore ended")
        return line
