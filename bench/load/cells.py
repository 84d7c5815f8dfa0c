"""The cells of a measurement, and the measurement of one."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.error import URLError

from bench import machine
from bench.load import traffic
from bench.load.generator import Measured, ServerFailed, closed_loop, open_loop
from bench.place import Actors, Place
from bench.servers import Running, Server, is_active, issue

ALGORITHMS = ("ES256", "RS256")
WORKS = ("basic", *ALGORITHMS, "introspection")
LIVE_TOKENS = 300  # oidc-provider's memory holds a thousand records, ours among them


@dataclass(frozen=True)
class Load:
    """A closed loop, or with `rate` so many requests a second. `assertions`: more than it can use up."""

    name: str
    connections: int
    assertions: int
    rate: int = 0


LOADS = (
    Load("1", 1, 2_000),
    Load("8", 8, 5_000),
    Load("32", 32, 7_000),
    Load("64", 64, 7_000),
    Load("500/s", 64, 800, rate=500),
    Load("2000/s", 64, 3_200, rate=2_000),
)
OPEN_LOOP = 2  # times as long: a p99 is of the slowest hundredth


@dataclass(frozen=True)
class Cell:
    """A measurement. `server_us`, `database_us`: CPU per request; `others`: cores used by foreign processes."""

    round: int
    server: str
    work: str
    load: str
    rate: float
    p50_ms: float
    p99_ms: float
    answered: int
    unsent: int
    server_us: float
    database_us: float
    others: float


class Stock:
    """The material of a round's requests: live tokens, and assertions by algorithm and load, alike for all servers."""

    def __init__(self, place: Place, works: Sequence[str], loads: Sequence[Load]) -> None:
        self.actors = place.actors
        self.assertions: dict[tuple[str, str], list[str]] = {}
        self._tokens: dict[str, list[str]] = {}
        for algorithm in set(works).intersection(ALGORITHMS):
            client = self.actors.clients[algorithm]
            made = iter(
                traffic.assertions(
                    client["client_id"],
                    client["private_jwk"],
                    algorithm,
                    self.actors.issuer,
                    sum(load.assertions for load in loads),
                )
            )
            for load in loads:
                self.assertions[algorithm, load.name] = list(itertools.islice(made, load.assertions))

    def requests(self, running: Running, work: str, load: Load) -> Iterator[bytes]:
        actors, server = self.actors, running.server
        if work == "basic":
            return itertools.repeat(by_secret(server, actors))
        if work == "introspection":
            caller, path = actors.secret("reader"), server.introspection_path
            return itertools.cycle([traffic.introspection(path, token, caller) for token in self._live(running)])
        path, scope = server.token_path, actors.scope
        return iter([traffic.by_assertion(path, one, scope) for one in self.assertions[work, load.name]])

    def _live(self, running: Running) -> list[str]:
        name = running.server.name
        if name not in self._tokens:
            self._tokens[name] = [issue(running, self.actors) for _ in range(LIVE_TOKENS)]
        return self._tokens[name]


def by_secret(server: Server, actors: Actors) -> bytes:
    return traffic.by_secret(server.token_path, actors.secret(server.client), actors.scope)


def measure(place: Place, stock: Stock, running: Running, work: str, load: Load, number: int, lasting: float) -> Cell:
    """Raises ServerFailed for any answer that is not as it must be, a token that is not active among them."""
    os.sync()  # nobody waits for what another one has left to be written
    try:
        requests = stock.requests(running, work, load)
        before = _clocks(place, running)
        measured = _loop(running, requests, work, load, lasting)
        after = _clocks(place, running)
        if running.server.introspection_path and work != "introspection":
            _check_tokens(running, place.actors, measured)
    except (URLError, OSError) as error:
        raise ServerFailed(str(error)) from error
    server, database, own, everything, seconds = (late - early for early, late in zip(before, after, strict=True))
    return Cell(
        round=number,
        server=running.server.name,
        work=work,
        load=load.name,
        rate=measured.rate,
        p50_ms=measured.percentile(0.5) * 1e3,
        p99_ms=measured.percentile(0.99) * 1e3,
        answered=measured.answered,
        unsent=measured.unsent,
        server_us=server / measured.answered * 1e6,
        database_us=database / measured.answered * 1e6,
        others=max(0.0, (everything - server - database - own) / seconds),
    )


def _loop(running: Running, requests: Iterator[bytes], work: str, load: Load, seconds: float) -> Measured:
    expected = traffic.ACTIVE if work == "introspection" else traffic.A_TOKEN
    port, connections = running.port, load.connections
    if load.rate:
        return open_loop(port, requests, expected, connections=connections, seconds=OPEN_LOOP * seconds, rate=load.rate)
    return closed_loop(port, requests, expected, connections=connections, seconds=seconds)


def _clocks(place: Place, running: Running) -> tuple[float, float, float, float, float]:
    """CPU seconds of the server, the database, this process, and the whole machine; and the time."""
    server, database = machine.cpu_seconds(running.process.pid), machine.cpu_seconds(place.database.pid)
    return server, database, time.process_time(), machine.busy_seconds(), time.perf_counter()


def _check_tokens(running: Running, actors: Actors, measured: Measured) -> None:
    """The last tokens that were given must be good for something."""
    for token in traffic.tokens_in(measured.last_answers):
        if not is_active(running, actors, token):
            raise ServerFailed("gave a token that introspection does not call active")
