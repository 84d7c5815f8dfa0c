"""Answers of health and metrics, in every state of the database."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from foundation import VERSION
from tokens.policy import from_settings
from tokens.protocol.http import Answer, Request
from tokens.serving.operations import Operations, PortInUse
from tokens.storage.store import Store

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["away", "hangs"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Where nobody listens, or where somebody does and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            server.listen(50)
        yield server.getsockname()[1]


def asked(path: str, method: str = "GET", **database: Any) -> Answer:
    """Within the three seconds that docker-compose.yml gives it."""

    async def ask() -> Answer:
        configuration = from_settings()
        store = Store(replace(configuration, database={**configuration.database, **database}), time.time)
        try:
            return await Operations(store).answer(Request(method, path, "", {}, "", b""))
        finally:
            store.close()

    began = time.monotonic()
    answer = asyncio.run(ask())
    assert time.monotonic() - began < 3
    return answer


def test_a_database_that_takes_writes_is_ready() -> None:
    answer = asked("/readyz")
    assert (answer.status, answer.body) == (200, b'{"status": "ok", "database": true, "writable": true}')


def test_a_database_that_only_reads_is_not_ready() -> None:
    answer = asked("/readyz", options="-c default_transaction_read_only=on")
    assert (answer.status, answer.body) == (503, b'{"status": "unavailable", "database": true, "writable": false}')


def test_without_a_database_it_is_not_ready_but_alive(port: int) -> None:
    answer = asked("/readyz", host="127.0.0.1", port=port)
    assert (answer.status, answer.body) == (503, b'{"status": "unavailable", "database": false, "writable": false}')
    assert asked("/healthz", host="127.0.0.1", port=port).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS"])
def test_nothing_but_asking_is_possible(method: str) -> None:
    answer = asked("/readyz", method)
    assert (answer.status, dict(answer.headers)[b"allow"]) == (405, b"GET, HEAD")


def test_a_port_in_use_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        operations = Operations(Store(from_settings(), time.time))
        with pytest.raises(PortInUse, match="OPERATIONS_PORT"):
            asyncio.run(operations.listen("127.0.0.1", taken.getsockname()[1]))


def test_health_and_metrics_tell_the_version() -> None:
    assert json.loads(asked("/healthz").body) == {"status": "ok", "version": VERSION}
    assert f'keydesk_build_info{{version="{VERSION}"}} 1.0' in asked("/metrics").body.decode().splitlines()
