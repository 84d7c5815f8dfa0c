"""The process `web`: its health on its own port, slow and large requests, and its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from dev.servers import sockets, stack
from dev.servers.processes import Process
from dev.servers.sockets import free_port
from foundation import VERSION
from portal.serving.health import Broker
from tests.tokens.support.connected import Link, eventually, get
from tokens.policy import from_settings

pytestmark = pytest.mark.django_db  # without it no test database is made for the process

THREADS = 64
PATHS = ("/healthz", "/readyz", "/metrics")


class Web:
    def __init__(self, port: int, operations_port: int, process: Process) -> None:
        self.port, self.operations_port, self.process = port, operations_port, process

    def ask(self, port: int, path: str, host: str = "10.1.2.3:9000") -> tuple[int, str]:
        with closing(HTTPConnection(stack.HOST, port, timeout=3)) as link:
            link.request("GET", path, headers={"Host": host})
            answer = link.getresponse()
            return answer.status, answer.read().decode()

    def operations(self, path: str) -> tuple[int, str]:
        return self.ask(self.operations_port, path)


@contextmanager
def serving() -> Iterator[Web]:
    database = urlsplit(os.environ["DATABASE_URL"])
    path = database.path.rpartition("/")[0] + "/" + connection.settings_dict["NAME"]
    port, operations_port = free_port(), free_port()
    env = {**os.environ, "DATABASE_URL": database._replace(path=path).geturl()}
    env |= {"OPERATIONS_PORT": str(operations_port), "PUBLIC_URL": f"http://localhost:{port}"}
    process = stack.web(port, env=env, log=sockets.temporary_directory("web") / "web.log")
    try:
        stack.wait_until_ready(process, port=port, operations_port=operations_port)
        yield Web(port, operations_port, process)
    finally:
        process.stop()


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[Web]:
    with serving() as started:
        yield started


def test_any_host_may_ask(web: Web) -> None:
    assert web.operations("/healthz") == (200, f'{{"status": "ok", "version": "{VERSION}"}}')
    status, body = web.operations("/readyz")
    assert (status, json.loads(body)) == (200, {"status": "ok", "database": True, "writable": True, "broker": True})
    assert "process_cpu_seconds_total" in web.operations("/metrics")[1]


@pytest.mark.parametrize("path", PATHS)
def test_the_public_port_tells_nothing(web: Web, path: str) -> None:
    assert web.ask(web.port, path, host=f"localhost:{web.port}")[0] == 404


@contextmanager
def locked_scopes() -> Iterator[None]:
    """Pages that show scopes wait."""
    with psycopg.connect(**from_settings().database) as other:
        other.execute("LOCK TABLE clients_scope IN ACCESS EXCLUSIVE MODE")
        yield


def waiting_page(web: Web) -> bytes:
    return f"GET /docs/scopes/ HTTP/1.1\r\nHost: localhost:{web.port}\r\n\r\n".encode()


def test_it_answers_while_all_threads_are_busy(web: Web) -> None:
    with ExitStack() as busy:
        busy.enter_context(locked_scopes())
        for _ in range(THREADS + 6):
            link = busy.enter_context(socket.create_connection((stack.HOST, web.port)))
            link.sendall(waiting_page(web))
        while answers_pages(web):  # until all threads are taken
            pass
        assert [web.operations(path)[0] for path in PATHS] == [200, 200, 200]
        assert web.ask(web.port, "/oauth/v2/verify")[0] == 401


def answers_pages(web: Web) -> bool:
    try:
        return web.ask(web.port, "/request/", host=f"localhost:{web.port}")[0] == 200
    except TimeoutError:
        return False


@pytest.mark.parametrize("path", ["/link/", "/oauth/v2/token"])
def test_a_body_that_arrives_slowly_holds_no_thread(web: Web, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{web.port}\r\nContent-Length: 1000\r\n\r\na"
    with ExitStack() as slow:
        for _ in range(THREADS + 6):
            link = slow.enter_context(socket.create_connection((stack.HOST, web.port)))
            link.sendall(head.encode())
        assert answers_pages(web)


def test_a_page_that_is_under_way_at_the_end_is_answered(django_db_setup: None) -> None:
    with serving() as web, Link(web.port) as link:
        with locked_scopes():
            link.send(waiting_page(web))
            assert eventually(somebody_waits)
            os.kill(web.process.pid, signal.SIGTERM)
            assert eventually(lambda: not listens(web.port))
        status, fields = link.head()
        assert (status, fields["connection"]) == (200, "close")
        assert web.process.guard.wait(timeout=20) == 0


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((stack.HOST, port), timeout=2):
        return True
    return False


def test_a_page_is_not_asked_what_is_too_long(web: Web) -> None:
    many = [f"X-{number}: a" for number in range(200)]
    for request_bytes in (get("/", *many), get("/", f"X-Long: {'a' * 200_000}"), get(f"/{'a' * 200_000}")):
        with Link(web.port) as link:
            link.send(request_bytes)
            assert link.answer().status == 431


def test_a_body_that_is_too_large_is_refused_before_it_has_come(web: Web) -> None:
    head = f"POST /link/ HTTP/1.1\r\nHost: localhost:{web.port}\r\nContent-Length: {10**9}\r\n"
    with Link(web.port) as link:
        link.send(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + b"a" * 1_500_000)
        assert link.head()[0] in (400, 403, 413)


def test_pages_keep_their_connections_to_the_database(web: Web) -> None:
    def ask(_number: int) -> int:
        return web.ask(web.port, "/docs/scopes/", host=f"localhost:{web.port}")[0]

    def open_now() -> set[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            return {pid for (pid,) in cursor.fetchall()}

    with ThreadPoolExecutor(4) as callers:
        assert set(callers.map(ask, range(40))) == {200}
        before = open_now()
        assert set(callers.map(ask, range(40))) == {200}
    assert before <= open_now()


def test_asking_opens_no_connection_to_the_database(web: Web) -> None:
    def open_now() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[0])

    web.operations("/readyz")
    before = open_now()
    with ThreadPoolExecutor(40) as callers:
        answers = list(callers.map(lambda _: web.operations("/readyz")[0], range(400)))
        assert open_now() == before
    assert set(answers) == {200}


# --- The broker -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["away", "hangs"])
def broken_port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Where nobody listens, or where somebody does and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            server.listen(50)
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_or_hangs_is_told_within_seconds(broken_port: int, scheme: str, settings: Any) -> None:
    settings.CELERY_BROKER_URL = f"{scheme}://127.0.0.1:{broken_port}//"

    async def ask() -> list[bool]:
        broker = Broker()
        async with asyncio.timeout(2.5):
            return await asyncio.gather(*(broker.answers() for _ in range(20)))

    assert asyncio.run(ask()) == [False] * 20


def test_a_broker_that_came_back_is_told_too(broken_port: int, settings: Any) -> None:
    good, settings.CELERY_BROKER_URL = settings.CELERY_BROKER_URL, f"redis://127.0.0.1:{broken_port}//"

    async def ask() -> list[bool]:
        broker = Broker()
        answers = [await broker.answers()]
        settings.CELERY_BROKER_URL = good
        return [*answers, await broker.answers(), await broker.answers()]

    assert asyncio.run(ask()) == [False, True, True]
