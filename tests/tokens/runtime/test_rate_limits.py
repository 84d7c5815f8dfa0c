"""PROTOCOL T-19: requests are limited per client (a setting, with an override per client) and failures per address.

Over a limit: 429, Retry-After, a JSON error temporarily_unavailable. Counters are shared through Valkey, and are per
process when that is away. What strangers can do is in test_strangers.py.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from redis import Redis
from structlog.testing import capture_logs

from clients.acts import lifecycle
from clients.models import Client
from dev.servers import sockets, valkey
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.support.parallel import at_once
from tests.tokens.support.wire import Answer, Wire, basic
from tokens.models import JournalEntry
from tokens.policy import from_settings

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture(autouse=True)
def _counted_from_nothing() -> None:
    cache.clear()


@pytest.fixture
def limited(start: Callable[..., Wire]) -> Wire:
    return start(client_limit=5, failure_limit=3)


def too_many(answer: Answer) -> None:
    assert (answer.status, answer.error) == (429, "temporarily_unavailable")
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def statuses(wire: Wire, times: int, authorization: str, **more: Any) -> list[int]:
    return [wire.token(authorization, **more).status for _each in range(times)]


# --- A client's own limit ---------------------------------------------------------------------------------------------


def test_so_many_requests_a_minute_and_then_429(limited, authorization):
    assert statuses(limited, 5, authorization) == [200] * 5
    too_many(limited.token(authorization))


def test_parallel_requests_are_counted_exactly(limited, authorization):
    answered = at_once(20, lambda _number: limited.token(authorization).status)
    assert sorted(answered) == [200] * 5 + [429] * 15


def test_after_retry_after_it_goes_on(limited, authorization):
    limited.clock.pass_by(17)
    statuses(limited, 5, authorization)
    answer = limited.token(authorization)
    assert answer.headers["Retry-After"] == "43"  # to the end of this minute
    limited.clock.pass_by(int(answer.headers["Retry-After"]))
    assert limited.token(authorization).status == 200


def test_ratelimit_headers_say_what_is_left(limited, authorization):
    """draft-ietf-httpapi-ratelimit-headers: in each answer to a client that has authenticated, 429 included."""
    limited.clock.pass_by(10)
    answers = [limited.token(authorization) for _each in range(6)]
    assert [answer.headers["RateLimit"] for answer in answers] == [
        f'"client";r={left};t=50' for left in (4, 3, 2, 1, 0, 0)
    ]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"client";q=5;w=60'}
    assert "Retry-After" not in answers[4].headers


def test_refused_requests_of_an_authenticated_client_count_too(limited, authorization):
    answers = [limited.token(authorization, scope="no.such.scope") for _each in range(6)]
    assert [answer.error for answer in answers] == ["invalid_scope"] * 5 + ["temporarily_unavailable"]
    assert answers[0].headers["RateLimit"].startswith('"client";r=4;')


def test_each_client_and_each_endpoint_has_a_limit_of_its_own(limited, authorization, resource_server):
    statuses(limited, 6, authorization)
    other, secret = factories.client(contact=factories.wim())
    assert limited.token(basic(other.client_id, secret)).status == 200
    for endpoint in ("introspect", "revoke"):
        assert limited.post(endpoint, {"token": "x"}, authorization=authorization).status == 200
    introspections = [limited.introspect("x", resource_server).status for _each in range(6)]
    assert introspections == [200] * 5 + [429]


def test_the_limit_of_one_client_can_be_another(limited, client: Client, authorization):
    statuses(limited, 2, authorization)
    lifecycle.change_settings(client=client, settings={"rate_limit": 7}, by=SYSTEM, now=NOW)
    assert statuses(limited, 6, authorization) == [200] * 5 + [429]  # seven, the first two included
    limited.clock.pass_by(60)
    assert limited.token(authorization).headers["RateLimit-Policy"] == '"client";q=7;w=60'
    lifecycle.change_settings(client=client, settings={"rate_limit": 3}, by=SYSTEM, now=NOW)
    assert statuses(limited, 3, authorization) == [200, 200, 429]


def test_a_client_over_its_old_limit_is_let_in_within_a_minute(limited, client: Client, authorization):
    statuses(limited, 5, authorization)
    lifecycle.change_settings(client=client, settings={"rate_limit": 7}, by=SYSTEM, now=NOW)
    limited.clock.pass_by(60)
    assert statuses(limited, 8, authorization) == [200] * 7 + [429]


def test_the_contact_sees_when_it_happened(limited, client: Client, authorization):
    statuses(limited, 5, authorization)
    answer = limited.token(authorization)
    entry = limited.cause(answer)
    assert (entry.client_id, entry.rule, entry.error) == (client.id, "rate_limit", "temporarily_unavailable")
    assert entry.at.timestamp() == limited.clock()
    assert entry.facts == {"limit": 5}


# --- Off --------------------------------------------------------------------------------------------------------------


def test_throttling_can_be_turned_off_and_is_on_by_default(start, client, authorization, settings):
    assert (from_settings().client_limit, from_settings().failure_limit) == (600, 120)
    settings.THROTTLING = False
    off = from_settings()
    wire = start(client_limit=off.client_limit, failure_limit=off.failure_limit)
    lifecycle.change_settings(client=client, settings={"rate_limit": 1}, by=SYSTEM, now=NOW)
    answers = [wire.token(authorization) for _each in range(10)]
    assert {answer.status for answer in answers} == {200}
    assert not any("RateLimit" in answer.headers for answer in answers)
    assert statuses(wire, 130, basic(client.client_id, "wrong")) == [401] * 130


# --- Several processes, and Valkey ------------------------------------------------------------------------------------


def test_processes_share_a_limit_through_valkey(start, authorization):
    here, there = (start(client_limit=40, failure_limit=40) for _each in range(2))
    assert statuses(here, 30, authorization) == [200] * 30
    here.write_behind()
    assert statuses(there, 2, authorization) == [200, 200]
    there.write_behind()
    assert statuses(there, 12, authorization) == [200] * 8 + [429] * 4  # 30 + 2 + 8


def test_a_shared_limit_is_exact_but_for_a_twentieth_in_each_process(start, authorization):
    processes = [start(client_limit=40, failure_limit=40) for _each in range(2)]
    granted = 0
    for number in range(60):
        wire = processes[number % 2]
        granted += statuses(wire, 1, authorization).count(200)
        wire.write_behind()
    assert 40 <= granted <= 44


def test_processes_share_the_failures_of_an_address(start, client):
    here, there = (start(client_limit=40, failure_limit=10) for _each in range(2))
    wrong = basic(client.client_id, "wrong")
    assert statuses(here, 9, wrong) == [401] * 9
    here.write_behind()
    assert there.token(wrong).status == 401
    there.write_behind()
    too_many(there.token(wrong))


def test_every_counter_in_valkey_ends(start, authorization):
    wire = start(client_limit=40, failure_limit=40)
    for times in (3, 4):
        statuses(wire, times, authorization)
        wire.write_behind()
    with Redis.from_url(from_settings().shared_counters) as server:
        counters = list(server.scan_iter("keydesk-rate:token:*"))
        assert [int(server.get(name)) for name in counters] == [7]
        assert all(0 < server.ttl(name) <= 120 for name in counters)


def test_more_counters_than_one_call_holds_are_all_shared(start, client, authorization, monkeypatch):
    monkeypatch.setattr("tokens.runtime.rate_limits.MAX_COUNTERS_PER_CALL", 1)
    here, there = (start(client_limit=5, failure_limit=3) for _each in "12")
    statuses(here, 5, authorization)
    assert statuses(here, 3, basic(client.client_id, "wrong")) == [401] * 3
    here.write_behind()
    statuses(there, 1, authorization)
    assert there.token(basic(client.client_id, "wrong")).status == 401
    there.write_behind()
    too_many(there.token(authorization))
    too_many(there.token(basic(client.client_id, "wrong")))


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_without_valkey_each_process_limits_for_itself(start, authorization):
    gone = {"client_limit": 5, "failure_limit": 3, "shared_counters": "redis://127.0.0.1:9/0"}
    here, there = start(**gone), start(**gone)
    for wire in (here, there):
        assert statuses(wire, 3, authorization) == [200] * 3
        with capture_logs() as logs:
            wire.write_behind()
            wire.write_behind()
        assert [line["event"] for line in logs] == ["rate_limits_per_process"]  # said once
        assert statuses(wire, 3, authorization) == [200, 200, 429]


def test_a_valkey_that_hangs_slows_nobody_down(start, authorization, deaf):
    wire = start(client_limit=400, failure_limit=3, shared_counters=deaf)
    statuses(wire, 20, authorization)
    sharing = threading.Thread(target=wire.write_behind)
    began = time.monotonic()
    sharing.start()
    slowest, answered = 0.0, 0
    while sharing.is_alive():
        asked = time.monotonic()
        assert wire.token(authorization).status in {200, 429}
        slowest, answered = max(slowest, time.monotonic() - asked), answered + 1
    sharing.join()
    assert time.monotonic() - began > 0.9  # it did hang
    assert answered > 5
    assert slowest < 0.9  # who waits for Valkey waits a second


def test_a_valkey_that_comes_back_is_used_again(start, authorization):
    directory = sockets.temporary_directory("throttle")
    here, there = (
        start(client_limit=10, failure_limit=3, shared_counters=valkey.urls(directory)["CACHE_URL"]) for _each in "12"
    )
    statuses(here, 4, authorization)
    here.write_behind()
    server = valkey.launch(directory, log=directory / "valkey.log", remove=directory)
    try:
        with capture_logs() as logs:
            here.write_behind()
        assert [line["event"] for line in logs] == ["rate_limits_shared"]
        statuses(there, 4, authorization)
        there.write_behind()
        assert statuses(there, 4, authorization) == [200, 200, 429, 429]  # 4 there before, 4 here
    finally:
        server.stop()


def test_the_journal_is_written_while_valkey_is_away(start, client, deaf):
    wire = start(client_limit=5, failure_limit=3, shared_counters=deaf)
    answer = wire.token(basic(client.client_id, "wrong"))
    assert wire.rule(answer) == "secret_wrong"
    assert JournalEntry.objects.count() == 1
