"""Kinds of HTTP requests beside the commonest, each as a row: tokens of other issuers, and the API of clients."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

from bench import machine
from bench.load import traffic
from bench.load.generator import HOST, Measured, closed_loop
from bench.place import Place
from bench.servers import Running, keydesk, launch
from dev.servers.processes import Process

SELF_SCOPE = "keydesk.self"
API = "/api/v1/self"
A_CLIENT = re.compile(rb'"client_id"')
A_KEY = re.compile(rb'"id"')
ROUNDS, MORE_THAN = 3, 30  # seconds, no round takes: its requests are counted
TOKENS, READS, WRITES = 2_000, 400, 60  # HTTP requests of a round

type Figures = dict[str, object]


@dataclass(frozen=True)
class Kind:
    """`requests`: for all rounds and one to warm up."""

    title: str
    process: Process
    port: int
    requests: Iterator[bytes]
    expected: re.Pattern[bytes]
    connections: int
    count: int


def rows(place: Place, tokens: Running) -> list[Figures]:
    """Rate, p99 and CPU per HTTP request of each kind; the API is answered by a `web` process."""
    server = next(keydesk(place))
    command = [sys.executable, "-m", "portal.serving.cli", "--host", HOST]
    environment = {**server.environment, "ALLOWED_HOSTS": HOST}
    web = launch(place, replace(server, name="web", command=command, environment=environment))
    found = [_row(place, kind) for kind in (*_of_tokens(place, tokens), *_of_the_api(place, web))]
    web.process.stop()
    return found


def _of_tokens(place: Place, running: Running) -> Iterator[Kind]:
    actors, path = place.actors, running.server.token_path
    count = (ROUNDS + 1) * TOKENS
    client, federated = actors.clients["ES256"], actors.clients["federated"]
    made = traffic.assertions(client["client_id"], client["private_jwk"], "ES256", actors.issuer, count)
    for title, requests in (
        ("token by secret", itertools.repeat(traffic.by_secret(path, actors.secret("basic"), actors.scope))),
        ("token by private_key_jwt, ES256", (traffic.by_assertion(path, one, actors.scope) for one in made)),
        ("token by a trust, ES256", iter(traffic.federated(path, federated, actors.issuer, actors.scope, count))),
    ):
        yield Kind(title, running.process, running.port, requests, traffic.A_TOKEN, 32, TOKENS)


def _of_the_api(place: Place, web: Running) -> Iterator[Kind]:
    """Reading at 8 connections; adding keys at one, since each retires the one before."""
    client = place.actors.secret("basic")
    form = {"grant_type": "client_credentials", "scope": SELF_SCOPE}
    token = str(web.ask(web.server.token_path, form, client)["access_token"])
    read = itertools.repeat(traffic.with_token("GET", API, token))
    yield Kind("GET self", web.process, web.port, read, A_CLIENT, 8, READS)
    keys = traffic.new_keys(client[0], place.actors.issuer, (ROUNDS + 1) * WRITES)
    # The first one finds no key that it could retire.
    bodies = [{**key, "previous": "retire" if number else "keep"} for number, key in enumerate(keys)]
    write = iter([traffic.with_token("POST", f"{API}/keys", token, body) for body in bodies])
    yield Kind("POST self/keys", web.process, web.port, write, A_KEY, 1, WRITES)


def _row(place: Place, kind: Kind) -> Figures:
    def loop() -> Measured:
        some = itertools.islice(kind.requests, kind.count)
        return closed_loop(kind.port, some, kind.expected, connections=kind.connections, seconds=MORE_THAN)

    loop()  # caches settle
    pids = kind.process.pid, place.database.pid
    before = [machine.cpu_seconds(pid) for pid in pids]
    measured = [loop() for _ in range(ROUNDS)]
    after = [machine.cpu_seconds(pid) for pid in pids]
    answered = sum(each.answered for each in measured)
    server, database = (late - early for early, late in zip(before, after, strict=True))
    return {
        "title": kind.title,
        "connections": kind.connections,
        "rates": [each.rate for each in measured],
        "p99_ms": median(each.percentile(0.99) for each in measured) * 1e3,
        "server_us": server / answered * 1e6,
        "database_us": database / answered * 1e6,
    }
