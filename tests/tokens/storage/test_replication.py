"""A PostgreSQL whose commits wait for a standby: without one, and after another has taken its place."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from clients.models import Client
from dev.servers import postgres, stack
from dev.servers.sockets import free_port
from tests.tokens.support.connected import eventually
from tests.tokens.support.replicated import DATABASE, Node, Pair, replicated
from tests.tokens.support.wire import Answer, Wire
from tokens.protocol.http import Request
from tokens.serving.operations import Operations
from tokens.storage import pg_connection

LEASE_S = 2
LANES_THAT_COMMIT = 5  # two that issue, one each to revoke, to write behind and for the lease

Start = Callable[..., Wire]


@pytest.fixture
def pair(client: Client, resource_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """With the client and the resource server in it. What takes seconds takes less of them here."""
    monkeypatch.setattr(pg_connection, "MAX_WAIT_S", 1.0)
    monkeypatch.setattr(pg_connection, "SCOUT_INTERVAL_S", 0.3)
    with replicated() as made:
        yield made


def at(start: Start, *nodes: Node, lease: int = 0, **parameters: Any) -> Wire:
    hosts = ",".join(str(node.directory) for node in nodes)
    return start(database={**nodes[0].parameters, "host": hosts, **parameters}, lookup_lease=lease)


def readiness(wire: Wire) -> tuple[int, bytes]:
    request = Request("GET", "/readyz", "", {}, "", b"")
    answer = wire.loop.run(Operations(wire.application.services.store).answer(request))
    return answer.status, answer.body


def is_unavailable(answer: Answer) -> bool:
    return (answer.status, answer.error) == (503, "temporarily_unavailable")


def keep_renewing(wire: Wire) -> None:
    """As the background does in a server: renews its lease about once a second."""

    async def renew() -> None:
        while True:
            try:
                await wire.application.services.store.lease.renew()
            except Exception:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)

    wire.loop.begin(renew())


def test_a_standby_is_not_ready_and_answers_no_look_up(pair: Pair, start: Start, authorization, resource_server):
    primary, standby = at(start, pair.primary, lease=LEASE_S), at(start, pair.standby, lease=LEASE_S)
    token = primary.token(authorization).json["access_token"]
    assert readiness(primary)[0] == 200
    assert primary.is_active(token, resource_server)
    assert readiness(standby) == (503, b'{"status": "unavailable", "database": true, "writable": false}')
    assert is_unavailable(standby.token(authorization))
    assert is_unavailable(standby.introspect(token, resource_server))


def test_waiting_commits_do_not_pile_up_and_go_on_with_the_standby(
    pair: Pair, start: Start, authorization, resource_server
):
    """PostgreSQL goes on waiting when its client has left, so each try would take one connection more."""
    wire = at(start, pair.primary)
    token = wire.token(authorization).json["access_token"]
    pair.cut_off()
    until = time.monotonic() + 6
    while time.monotonic() < until:
        assert is_unavailable(wire.token(authorization))
        assert is_unavailable(wire.post("revoke", {"token": token}, authorization=authorization))
        wire.write_behind()
        assert wire.introspect(token, resource_server).status == 200  # without a lease
    assert 0 < pair.primary.waiting_commits() <= LANES_THAT_COMMIT
    assert is_quick(lambda: wire.token(authorization))
    pair.reconnect()
    assert eventually(lambda: wire.token(authorization).status == 200)
    assert eventually(lambda: wire.introspect(token, resource_server).json == {"active": False})  # as was asked


def is_quick(ask: Callable[[], Answer]) -> bool:
    """A standby known to hang is not waited for."""
    began = time.monotonic()
    return is_unavailable(ask()) and time.monotonic() - began < 0.5


def test_look_ups_end_with_the_lease_and_come_back_with_the_standby(
    pair: Pair, start: Start, authorization, resource_server
):
    wire = at(start, pair.primary, lease=LEASE_S)
    keep_renewing(wire)
    token = wire.token(authorization).json["access_token"]
    time.sleep(LEASE_S + 1)
    assert wire.is_active(token, resource_server)
    pair.cut_off()
    assert wire.is_active(token, resource_server)
    assert wire.get("verify", authorization=f"Bearer {token}").status == 200
    time.sleep(LEASE_S)
    assert is_unavailable(wire.introspect(token, resource_server))
    assert is_unavailable(wire.get("verify", authorization=f"Bearer {token}"))
    assert eventually(lambda: wire.application.services.store.lease.commits_wait)
    pair.reconnect()
    assert eventually(lambda: wire.introspect(token, resource_server).status == 200)
    assert not wire.application.services.store.lease.commits_wait


def test_a_process_on_a_former_primary_is_silent_and_finds_the_new_one(
    pair: Pair, start: Start, authorization, resource_server
):
    wire = at(start, pair.primary, pair.standby, lease=LEASE_S, target_session_attrs="read-write")
    keep_renewing(wire)
    token = wire.token(authorization).json["access_token"]
    assert wire.is_active(token, resource_server)
    pair.promote()
    promoted_at = time.monotonic()
    pair.standby.sql("UPDATE clients_client SET epoch = epoch + 1")  # all tokens are invalidated, at the new primary
    while time.monotonic() < promoted_at + LEASE_S + 2:
        asked_at = time.monotonic()
        answer = wire.introspect(token, resource_server)
        assert is_unavailable(answer) or asked_at < promoted_at + LEASE_S or answer.json == {"active": False}
        time.sleep(0.1)
    assert is_unavailable(wire.token(authorization))
    assert pair.primary.process is not None
    pair.primary.process.kill()
    assert eventually(lambda: wire.token(authorization).status == 200)
    assert wire.introspect(token, resource_server).json == {"active": False}


def test_pages_are_read_and_forms_refused_at_once_while_commits_wait(pair: Pair, tmp_path: Path):
    with web_at(pair.primary, tmp_path) as port:
        assert page(port, "GET") == 200
        pair.cut_off()
        assert eventually(lambda: page(port, "POST") == 503, seconds=15)
        began = time.monotonic()
        assert [page(port, "POST"), page(port, "GET"), page(port, "GET")] == [503, 200, 200]
        assert time.monotonic() - began < 3
        pair.reconnect()
        assert eventually(lambda: page(port, "POST") == 403, seconds=15)  # without a token against CSRF


@contextmanager
def web_at(node: Node, directory: Path) -> Iterator[int]:
    port, operations_port = free_port(), free_port()
    env = {**os.environ, "DATABASE_URL": postgres.url(node.directory, DATABASE)}
    env |= {"PUBLIC_URL": f"http://localhost:{port}", "OPERATIONS_PORT": str(operations_port)}
    process = stack.web(port, env=env, log=directory / "web.log")
    try:
        stack.wait_until_ready(process, port=port, operations_port=operations_port)
        yield port
    finally:
        process.stop()


def page(port: int, method: str) -> int:
    with closing(HTTPConnection(stack.HOST, port, timeout=5)) as link:
        link.request(method, "/request/", headers={"Host": f"localhost:{port}"})
        return link.getresponse().status
