"""A worker outlives a change of role of its Valkey: it goes on once writes are taken again."""

from __future__ import annotations

import pytest
import redis

from dev.servers import sockets, stack, valkey
from dev.servers.processes import Process
from portal.celery import app
from tests.portal.serving.test_one_beat import environment
from tests.tokens.support.connected import eventually

pytestmark = pytest.mark.django_db  # without it no test database is made for the process

TASK = "clients.tasks.delete_ended_sessions"


def test_a_worker_waits_while_its_valkey_is_a_replica() -> None:
    """Until HAProxy has noticed that another took over, it leads to the former primary, which refuses writes."""
    directory = sockets.temporary_directory("role")
    urls = valkey.urls(directory)
    server = valkey.launch(directory, log=directory / "valkey.log", remove=directory)
    worker = stack.worker(env=environment() | urls, log=directory / "worker.log")
    try:
        with redis.Redis.from_url(urls["CACHE_URL"]) as commands:
            assert serves(worker, urls["CELERY_BROKER_URL"], times=1)
            commands.execute_command("REPLICAOF", "127.0.0.1", "1")
            commands.execute_command("CLIENT", "KILL", "TYPE", "normal")  # as HAProxy ends sessions
            assert eventually(lambda: "ReadOnlyError" in worker.log.read_text(), seconds=30)
            commands.execute_command("REPLICAOF", "NO", "ONE")
        assert serves(worker, urls["CELERY_BROKER_URL"], times=2)
    finally:
        worker.stop()
        server.stop()


def serves(worker: Process, broker: str, *, times: int) -> bool:
    """Send the task, and return whether it has been done so often in all."""
    with app.connection_for_write(broker) as connection:
        app.send_task(TASK, connection=connection)
    return eventually(lambda: worker.log.read_text().count("succeeded") == times, seconds=60)
