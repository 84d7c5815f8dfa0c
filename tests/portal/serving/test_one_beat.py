"""Two beats on one database: one sends what is due, and the other goes on when it ends, however it ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from dev.servers import stack
from dev.servers.processes import Process, start
from tests.tokens.support.connected import eventually
from tokens.policy import from_settings

pytestmark = pytest.mark.django_db  # without it no test database is made for the processes

PATIENCE_S = 60.0  # two processes of Python start on a busy machine


def environment() -> dict[str, str]:
    database = urlsplit(os.environ["DATABASE_URL"])
    path = database.path.rpartition("/")[0] + "/" + connection.settings_dict["NAME"]
    return {**os.environ, "DATABASE_URL": database._replace(path=path).geturl(), "LOG_LEVEL": "INFO"}


@contextmanager
def beat(directory: Path, name: str) -> Iterator[Process]:
    env = environment()
    process = stack.beat(env=env, log=directory / f"{name}.log")
    try:
        yield process
    finally:
        process.stop()


def says(process: Process, event: str) -> bool:
    return eventually(lambda: f'"event": "{event}"' in process.log.read_text(), seconds=PATIENCE_S)


def sends(process: Process) -> bool:
    return "Sending due task" in process.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_another_goes_on_when_the_one_that_sends_ends(tmp_path: Path, number: signal.Signals) -> None:
    with beat(tmp_path, "first") as first:
        assert says(first, "beat_sends")
        with beat(tmp_path, "second") as second:
            assert says(second, "beat_waits")
            assert eventually(lambda: sends(first), seconds=PATIENCE_S)
            assert not sends(second)
            os.kill(first.pid, number)
            assert says(second, "beat_sends")
            assert eventually(lambda: sends(second), seconds=PATIENCE_S)


def test_one_that_lost_its_connection_asks_again(tmp_path: Path) -> None:
    with beat(tmp_path, "only") as only:
        assert says(only, "beat_sends")
        with psycopg.connect(**from_settings().database, autocommit=True) as other:
            # Of this database alone: tests beside this one have others on the same server.
            holder = (
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE locktype = 'advisory' AND datname = current_database()"
            )
            assert other.execute(holder).fetchall()
        assert says(only, "beat_waits")
        assert eventually(lambda: only.log.read_text().count('"beat_sends"') == 2, seconds=PATIENCE_S)


def test_a_worker_may_have_it(tmp_path: Path) -> None:
    """As docker-compose.yml starts one."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "portal", "worker", "--concurrency", "1", "--beat"]
    process = start("worker", command, env=environment(), cwd=stack.ROOT, log=tmp_path / "worker.log", patience=20)
    try:
        assert says(process, "beat_sends")
        assert eventually(lambda: sends(process), seconds=PATIENCE_S)
    finally:
        process.stop()
