"""PROTOCOL I-23 under load: two processes answer while something is taken away.

Whatever a request that began after the act's return is told, it does not contain what the act took. What happened
while the act ran may have come before or after it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter, sleep

import psycopg
import pytest
from django.db import connection

from clients.acts import lifecycle
from clients.acts.credentials import client_secrets, keys
from clients.models import Client
from tests.support import factories
from tests.support.factories import SYSTEM
from tests.support.parallel import at_once
from tests.tokens.support.connected import eventually
from tests.tokens.support.wire import Answer, Clock, Wire, basic
from tokens.acts import incident, invalidation
from tokens.acts.leaks import Leak
from tokens.models import Token
from tokens.policy import from_settings
from tokens.storage.store import Outcome, Revocation

ROUNDS = 6  # of each thread, before the act and after it


class RealClock(Clock):
    def __call__(self) -> float:
        return time.time()


@pytest.fixture
def clock() -> Clock:
    return RealClock()


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Asked:
    """A request for a token, or an introspection of the token in `token`."""

    began: float
    ended: float
    answer: Answer
    token: str = ""


@dataclass
class Traffic:
    """Four threads over two processes, that get tokens and introspect old and new ones until they are told to stop."""

    processes: tuple[Wire, Wire]
    get_token: Callable[[Wire], Answer]
    resource_server: str
    requested: list[Asked] = field(default_factory=list)
    introspected: list[Asked] = field(default_factory=list)
    act_began: float = 0.0
    act_ended: float = 0.0

    def during(self, act: Callable[[], object]) -> Traffic:
        stop, rounds = threading.Event(), [0] * 4

        def loop(number: int) -> None:
            while not stop.is_set():
                self._round(self.processes[number % 2], self.processes[(number + 1) % 2], rounds[number])
                rounds[number] += 1

        threads = [threading.Thread(target=loop, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            self._wait_for(rounds, [0] * 4)
            self.act_began = perf_counter()
            act()
            self.act_ended = perf_counter()
            self._wait_for(rounds, list(rounds))
        finally:
            stop.set()
            for thread in threads:
                thread.join(timeout=30)
        return self

    def _round(self, here: Wire, there: Wire, number: int) -> None:
        began = perf_counter()
        answer = self.get_token(here)
        self.requested.append(Asked(began, perf_counter(), answer, answer.json.get("access_token", "")))
        tokens = [asked.token for asked in self.requested if asked.token]
        for token in {tokens[0], tokens[-1], tokens[number * 7 % len(tokens)]}:
            began = perf_counter()
            answer = there.introspect(token, self.resource_server)
            self.introspected.append(Asked(began, perf_counter(), answer, token))

    @staticmethod
    def _wait_for(rounds: list[int], since: list[int]) -> None:
        deadline = perf_counter() + 30
        while any(now - before < ROUNDS for now, before in zip(rounds, since, strict=True)):
            assert perf_counter() < deadline, "a thread hangs or has failed"
            sleep(0.002)

    @property
    def old_tokens(self) -> set[str]:
        return {asked.token for asked in self.requested if asked.token and asked.ended < self.act_began}

    @property
    def introspections_after(self) -> list[Asked]:
        return [asked for asked in self.introspected if asked.began > self.act_ended]

    @property
    def requests_after(self) -> list[Asked]:
        return [asked for asked in self.requested if asked.began > self.act_ended]

    def check_that_old_tokens_are_dead(self) -> None:
        assert any(asked.answer.json["active"] for asked in self.introspected if asked.ended < self.act_began)
        after = [asked for asked in self.introspections_after if asked.token in self.old_tokens]
        assert after
        assert {asked.answer.text for asked in after} == {'{"active":false}'}
        for token in self.old_tokens:
            assert not any(wire.is_active(token, self.resource_server) for wire in self.processes)

    def check_that_new_tokens_work(self) -> None:
        assert {asked.answer.status for asked in self.requests_after} == {200}
        for asked in self.requests_after:
            assert all(wire.is_active(asked.token, self.resource_server) for wire in self.processes)


@pytest.fixture
def traffic(start, authorization, resource_server) -> Traffic:
    return Traffic((start(), start()), lambda wire: wire.token(authorization), resource_server)


def test_while_all_tokens_are_invalidated(traffic, client):
    traffic.during(lambda: invalidation.invalidate_all(client=client, by=SYSTEM, now=now()))
    traffic.check_that_old_tokens_are_dead()
    traffic.check_that_new_tokens_work()


def test_while_the_tokens_of_a_secret_are_invalidated(traffic, client):
    secret = client.secrets.get()
    traffic.during(lambda: invalidation.invalidate_issued_to(credential=secret, by=SYSTEM, now=now()))
    traffic.check_that_old_tokens_are_dead()
    traffic.check_that_new_tokens_work()


def test_while_the_client_is_suspended_and_while_it_comes_back(traffic, client):
    traffic.during(lambda: lifecycle.suspend(client=client, reason="test", by=SYSTEM, now=now()))
    traffic.check_that_old_tokens_are_dead()
    assert {asked.answer.error for asked in traffic.requests_after} == {"invalid_client"}
    # Not even one that was being issued meanwhile.
    assert not any(asked.answer.json["active"] for asked in traffic.introspections_after)
    everything = {asked.token for asked in traffic.requested if asked.token}
    traffic.during(lambda: lifecycle.reactivate(client=client, reason="test", by=SYSTEM, now=now()))
    traffic.check_that_new_tokens_work()
    assert not any(wire.is_active(token, traffic.resource_server) for token in everything for wire in traffic.processes)


def test_while_the_client_id_changes(traffic, client, secret):
    seen = client.client_id
    traffic.during(lambda: lifecycle.change_client_id(client=client, seen=seen, by=SYSTEM, now=now()))
    traffic.check_that_old_tokens_are_dead()
    assert {asked.answer.error for asked in traffic.requests_after} == {"invalid_client"}
    assert not any(asked.answer.json["active"] for asked in traffic.introspections_after)
    assert all(wire.token(basic(client.client_id, secret)).status == 200 for wire in traffic.processes)


def test_while_a_scope_is_taken_away(start, client, authorization, resource_server):
    both = "address.read address.write"
    traffic = Traffic((start(), start()), lambda wire: wire.token(authorization, both), resource_server)
    read = (factories.scope("address.read"),)
    traffic.during(lambda: lifecycle.change_scopes(client=client, scopes=read, defaults=read, by=SYSTEM, now=now()))
    assert {asked.answer.json["scope"] for asked in traffic.introspected if asked.ended < traffic.act_began} == {both}
    assert {asked.answer.json["scope"] for asked in traffic.introspections_after} == {"address.read"}
    assert {asked.answer.json["scope"] for asked in traffic.requests_after} == {"address.read"}
    traffic.check_that_new_tokens_work()


def test_while_the_secret_is_regenerated(traffic, client, authorization):
    replaced, new = client.secrets.get(), []
    traffic.during(
        lambda: new.append(
            client_secrets.regenerate(client=client, replaces=replaced, overlap=timedelta(0), by=SYSTEM, now=now())
        )
    )
    assert {asked.answer.status for asked in traffic.requested if asked.ended < traffic.act_began} == {200}
    assert {asked.answer.status for asked in traffic.requests_after} == {401}
    assert all(wire.token(basic(client.client_id, new[0])).status == 200 for wire in traffic.processes)


def test_while_a_leaked_secret_is_revoked(traffic, client):
    leak = Leak(client.secrets.get())
    traffic.during(lambda: incident.revoke(leak=leak, by=SYSTEM, now=now()))
    traffic.check_that_old_tokens_are_dead()
    assert {asked.answer.status for asked in traffic.requests_after} == {401}
    # Also one that was being issued with the leaked secret at this very moment.
    assert not any(asked.answer.json["active"] for asked in traffic.introspections_after)


def test_while_a_key_is_retired(start, client, signer, resource_server):
    traffic = Traffic(
        (start(), start()),
        lambda wire: wire.post("token", signer.form(grant_type="client_credentials")),
        resource_server,
    )
    row = client.keys.get()
    traffic.during(lambda: keys.retire(key=row, overlap=timedelta(0), by=SYSTEM, now=now()))
    assert {asked.answer.status for asked in traffic.requested if asked.ended < traffic.act_began} == {200}
    assert {asked.answer.error for asked in traffic.requests_after} == {"invalid_client"}


def test_a_revoked_token_is_dead_in_both_processes_from_the_answer_on(start, authorization, resource_server):
    processes = (start(), start())
    survived: list[str] = []

    def loop(number: int) -> None:
        here, there = processes[number % 2], processes[(number + 1) % 2]
        for _round in range(ROUNDS):
            token = here.token(authorization).json["access_token"]
            alive = there.is_active(token, resource_server)
            there.post("revoke", {"token": token}, authorization=authorization)
            if not alive or any(wire.is_active(token, resource_server) for wire in processes):
                survived.append(token)

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert survived == []
    assert Token.objects.exclude(revoked_at=None).count() == 4 * ROUNDS


def test_acts_in_a_row_never_leave_a_token_that_they_took(start, client, authorization, resource_server):
    """Acts one after the other, each at a moment of its own, and requests all the while."""
    processes = (start(), start())
    traffic = Traffic(processes, lambda wire: wire.token(authorization), resource_server)

    def acts() -> None:
        for number in range(3):
            invalidation.invalidate_all(client=client, by=SYSTEM, now=now())
            lifecycle.suspend(client=Client.objects.get(pk=client.pk), reason="test", by=SYSTEM, now=now())
            lifecycle.reactivate(client=Client.objects.get(pk=client.pk), reason="test", by=SYSTEM, now=now())
            lifecycle.change_settings(client=client, settings={"rate_limit": 10_000 + number}, by=SYSTEM, now=now())

    traffic.during(acts)
    traffic.check_that_old_tokens_are_dead()
    traffic.check_that_new_tokens_work()
    assert not {asked.answer.status for asked in [*traffic.requested, *traffic.introspected]} - {200, 401}


def test_an_invalidation_and_a_batch_of_revocations_lock_in_one_order(wire, client):
    """Both stop the same tokens, and find them in different orders. Neither fails, so neither is a 503."""
    secret, at, digests = client.secrets.get(), now(), [bytes([number]) * 32 for number in (2, 1, 3)]
    for after, digest in enumerate(digests):
        issued_at, expires_at = at + timedelta(seconds=after), at + timedelta(hours=1)
        Token.objects.create(
            digest=digest, client=client, epoch=client.epoch, scope="address.read", credential=secret.credential,
            issued_at=issued_at, expires_at=expires_at,
        )  # fmt: skip
    store, version = wire.application.services.store, Client.objects.get(pk=client.pk).version

    async def one_batch() -> list[Outcome]:
        return await asyncio.gather(*(store.revoke(Revocation(digest, client.pk, version)) for digest in digests))

    def stop(number: int) -> object:
        if number == 0:
            return invalidation.invalidate_issued_to(credential=secret, by=SYSTEM, now=at)
        assert eventually(lambda: waiting() == 1)
        return wire.loop.run(one_batch())

    with ThreadPoolExecutor() as pool, psycopg.connect(**from_settings().database) as other:
        # Neither comes to the end of them, whether it begins with the first or with the third.
        other.execute("SELECT FROM tokens_token WHERE digest = ANY(%s) FOR UPDATE", [[digests[0], digests[2]]])
        stopping = pool.submit(at_once, 2, stop)
        assert eventually(lambda: waiting() == 2)
        other.commit()
        assert stopping.result() == [None, [Outcome.DONE] * 3]
    assert Token.objects.filter(revoked_at=at).count() == 3


def waiting() -> int:
    """How many statements wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])
