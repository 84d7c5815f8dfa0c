"""API M-14: calls that wait for the next entry hold no thread, and end when the log grows, the time or the client."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction

from audit import log
from audit.actions import Action
from audit.models import Entry
from portal.serving import long_polls
from portal.serving.long_polls import Growth, LongPolls, size_of_the_change_log
from portal.serving.threads import Pages
from tests.portal.api.support.programs import program
from tests.portal.serving.test_threads import Client, eventually
from tests.support.factories import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/changes"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_polls, "INTERVAL_S", 0.05)


@pytest.fixture
def token() -> str:
    return program("keydesk.changes.read").token


@pytest.fixture
def served() -> Iterator[LongPolls]:
    """The portal with one thread for all its pages."""
    growth = Growth(size_of_the_change_log)
    pages = Pages(get_wsgi_application(), threads=1)
    yield LongPolls(pages, path=PATH, growth=growth)
    for thread in (growth._thread, pages._threads):
        thread.submit(lambda: connection.close()).result()  # its own, not this thread's
        thread.shutdown()


def scope(token: str, path: str = PATH, query: str = "") -> dict[str, Any]:
    return {
        "type": "http", "method": "GET", "scheme": "http", "http_version": "1.1", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "client": ("192.0.2.7", 50_000),
        "server": ("::1", 8000), "headers": [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip


def add_entry() -> int:
    with transaction.atomic():
        return log.record(action=Action.LOG_EXPORTED, actor=SYSTEM, subject=log.SITE).seq


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


async def in_thread(act: Callable[[], Any]) -> Any:
    def closed() -> Any:
        with closing(connection):
            return act()

    return await asyncio.to_thread(closed)


def test_it_waits_for_the_next_entry_and_leaves_the_only_thread_to_others(served: LongPolls, token: str) -> None:
    head = Entry.objects.count()

    async def test() -> None:
        waiting, other = Client(), Client()
        task = asyncio.create_task(served(scope(token, query=f"since={head}"), waiting.receive, waiting.send))
        await eventually(lambda: served._held == 1)
        await served(scope(token, query=f"since={head - 1}"), other.receive, other.send)
        assert json.loads(other.body)["next"] == head
        assert not waiting.sent
        seq = await in_thread(add_entry)
        await asyncio.wait_for(task, 5)
        assert waiting.status == 200
        assert [entry["seq"] for entry in json.loads(waiting.body)["items"]] == [seq]
        assert not [name for name, _value in waiting.sent[0]["headers"] if name == b"x-keydesk-wait"]
        assert served._held == 0

    run(test)


def test_without_an_entry_it_ends_with_the_time(served: LongPolls, token: str) -> None:
    head = Entry.objects.count()

    async def test() -> None:
        waiting = Client()
        await served(scope(token, query=f"since={head}&wait=1"), waiting.receive, waiting.send)
        assert json.loads(waiting.body) == {"items": [], "next": head, "more": False, "checkpoint": None}

    run(test)


def test_a_token_that_ends_meanwhile_gets_nothing(served: LongPolls) -> None:
    call = program("keydesk.changes.read")
    head = Entry.objects.count()

    async def test() -> None:
        waiting = Client()
        task = asyncio.create_task(served(scope(call.token, query=f"since={head}"), waiting.receive, waiting.send))
        await eventually(lambda: served._held == 1)
        await in_thread(lambda: call.client.client_scopes.all().delete())
        await in_thread(add_entry)
        await asyncio.wait_for(task, 5)
        assert waiting.status == 403

    run(test)


def test_a_client_that_goes_is_not_waited_for(served: LongPolls, token: str) -> None:
    head = Entry.objects.count()

    async def test() -> None:
        waiting = Client()
        task = asyncio.create_task(served(scope(token, query=f"since={head}"), waiting.receive, waiting.send))
        await eventually(lambda: served._held == 1)
        waiting.gone.set()
        await asyncio.wait_for(task, 5)
        assert not waiting.sent

    run(test)


def test_over_the_bound_the_answer_comes_at_once(
    served: LongPolls, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_polls, "MAX_HELD", 0)
    head = Entry.objects.count()

    async def test() -> None:
        waiting = Client()
        await asyncio.wait_for(served(scope(token, query=f"since={head}"), waiting.receive, waiting.send), 5)
        assert json.loads(waiting.body)["items"] == []

    run(test)


def test_all_who_wait_share_one_look_at_the_log() -> None:
    looks: list[int] = []

    def read() -> int:
        looks.append(threading.get_ident())
        return len(looks)

    async def test() -> None:
        growth = Growth(read)
        await asyncio.gather(*(growth.beyond(2) for _ in range(50)))

    run(test)
    assert (len(looks), len(set(looks))) == (3, 1)
    close_old_connections()
