"""PROTOCOL A-14: an assertion is used once, across endpoints and processes, and only its client can use it up."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from time import sleep

import pytest
import time_machine
from django.db import connection, transaction

from clients.acts import lifecycle
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.conftest import add_key
from tests.tokens.support.checking import check, client_key, key, rule
from tests.tokens.support.checking import signer as pure_signer
from tests.tokens.support.wire import Answer, Signer, Wire
from tokens import tasks
from tokens.models import JournalEntry, Token, UsedAssertion
from tokens.storage.store import Outcome

OURS = client_key(key("P-256"))
GRANT = {"grant_type": "client_credentials"}


# --- What a jti is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jti", ["a", " ", "0", "x" * 255, "é" * 255, "\U0001f511" * 255, "\0", "\ud800", "a.b/c=d"])
def test_any_string_of_1_to_255_characters_is_a_jti(jti: str) -> None:
    assert check(pure_signer().assertion(jti=jti), OURS).jti == jti


@pytest.mark.parametrize("jti", ["", "x" * 256, "\U0001f511" * 256, None, 1, 1.5, True, [], ["a"], {}, {"jti": "a"}])
def test_nothing_else_is(jti: object) -> None:
    assert rule(pure_signer().assertion(jti=jti), OURS) == "jti"


# --- Once -------------------------------------------------------------------------------------------------------------


def replayed(wire: Wire, answer: Answer) -> bool:
    refused = (answer.status in (400, 401), answer.error) == (True, "invalid_client")
    return refused and wire.rule(answer) == "replayed"


def test_a_second_use_is_refused_at_every_endpoint_of_every_process(start, signer):
    processes = (start(), start())
    for first in ("token", "introspect", "revoke"):
        form = signer.form(token="x", **GRANT)
        assert processes[0].post(first, form).status == 200
        for wire in processes:
            for second in ("token", "introspect", "revoke"):
                assert replayed(wire, wire.post(second, form)), (first, second)


def test_the_jti_counts_not_the_assertion(wire, signer):
    assert wire.post("token", signer.form(signer.assertion(jti="once"), **GRANT)).status == 200
    other = signer.assertion(jti="once", exp=int(wire.clock()) + 100)
    answer = wire.post("token", signer.form(other, **GRANT))
    assert replayed(wire, answer)
    assert wire.cause(answer).facts == {"jti_digest": hashlib.sha256(b"once").hexdigest()[:16]}
    assert wire.post("token", signer.form(signer.assertion(jti="Once"), **GRANT)).status == 200
    for odd in ("\0", "\ud800", "\U0001f511" * 255):
        assert wire.post("token", signer.form(signer.assertion(jti=odd), **GRANT)).status == 200
        assert replayed(wire, wire.post("token", signer.form(signer.assertion(jti=odd), **GRANT)))


def test_another_key_of_the_client_does_not_make_the_jti_new(wire, client, signer):
    row = add_key(client, key("P-256", 6), kid="second")
    second = Signer(client.client_id, key("P-256", 6), wire.clock, kid=row.kid)
    assert wire.post("token", signer.form(signer.assertion(jti="once"), **GRANT)).status == 200
    assert replayed(wire, wire.post("token", second.form(second.assertion(jti="once"), **GRANT)))


def test_two_clients_may_use_the_same_jti(wire, signer):
    other, _secret = factories.client(contact=factories.wim())
    row = add_key(other, key("P-256", 6))
    theirs = Signer(other.client_id, key("P-256", 6), wire.clock, kid=row.kid)
    for one in (signer, theirs):
        assert wire.post("token", one.form(one.assertion(jti="1"), **GRANT)).status == 200


def test_of_twenty_copies_at_once_in_two_processes_one_gets_a_token(start, signer, clock):
    processes = (start(), start())
    for _round in range(3):
        clock.pass_by(60)  # the journal keeps so many entries a minute
        form, endpoints = signer.form(token="x", **GRANT), ("token", "token", "token", "introspect", "revoke")
        before = Token.objects.count()
        answers = at_once(processes, [(endpoints[number % 5], form) for number in range(20)])
        assert sorted(answer.status == 200 for answer in answers) == [False] * 19 + [True]
        assert {answer.error for answer in answers if answer.status != 200} == {"invalid_client"}
        won = next(answer for answer in answers if answer.status == 200)
        assert Token.objects.count() - before == ("access_token" in won.json)
    refused = [number for number, answer in enumerate(answers) if answer.status != 200]
    assert {processes[number % 2].rule(answers[number]) for number in refused} == {"replayed"}


def test_of_twenty_copies_at_once_in_one_batch_one_gets_a_token(wire, signer):
    form = signer.form(**GRANT)
    answers = at_once((wire,), [("token", form)] * 20)
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    assert Token.objects.count() == 1


def test_copies_that_wait_for_the_database_together_count_as_copies(wire, authorization, signer):
    """Held up by a lock, they come to the database in one statement."""
    form, answers = signer.form(**GRANT), []
    first = threading.Thread(target=lambda: wire.token(authorization))
    copies = [threading.Thread(target=lambda: answers.append(wire.post("token", form))) for _ in range(6)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE tokens_token IN EXCLUSIVE MODE")
        first.start()
        sleep(0.1)
        for thread in copies:
            thread.start()
        sleep(0.2)
    for thread in (first, *copies):
        thread.join(timeout=30)
    assert sorted(answer.status for answer in answers) == [200] + [400] * 5
    assert Token.objects.count() == 2


def test_twenty_different_ones_at_once_all_get_a_token(start, signer):
    answers = at_once((start(), start()), [("token", signer.form(**GRANT)) for _ in range(20)])
    assert [answer.status for answer in answers] == [200] * 20
    assert len({answer.json["access_token"] for answer in answers}) == 20


def at_once(processes: tuple[Wire, ...], requests: list[tuple[str, dict[str, str]]]) -> list[Answer]:
    """Sends the requests in threads that start together, in turn to the processes."""
    ready, answers = threading.Barrier(len(requests)), [Answer(0, {}, "{}")] * len(requests)

    def send(number: int) -> None:
        endpoint, form = requests[number]
        ready.wait(timeout=10)
        answers[number] = processes[number % len(processes)].post(endpoint, form)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return answers


# --- What does not use it up ------------------------------------------------------------------------------------------


def test_a_stranger_cannot_use_up_an_assertion(wire, client, signer):
    good = signer.assertion(jti="mine")
    stranger = Signer(client.client_id, key("P-256", 6), wire.clock, kid=signer.kid)
    header, payload, signature = good.split(".")
    for forged in (
        stranger.assertion(jti="mine"),
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload}.{'A' * len(signature)}",
    ):
        answer = wire.post("token", signer.form(forged, **GRANT))
        assert (answer.error, wire.rule(answer)) == ("invalid_client", "signature")
    assert not UsedAssertion.objects.exists()
    assert wire.post("token", signer.form(good, **GRANT)).status == 200


def test_a_refused_assertion_or_request_uses_nothing_up(wire, client, signer):
    for claims in ({"aud": "x"}, {"exp": 1}, {"iss": "x"}, {"nbf": int(wire.clock()) + 300}):
        assert (
            wire.post("token", signer.form(signer.assertion(jti="mine", **claims), **GRANT)).error == "invalid_client"
        )
    form = signer.form(signer.assertion(jti="mine"))
    assert wire.post("token", form).error == "invalid_request"
    assert wire.post("token", {**form, "grant_type": "password"}).error == "unsupported_grant_type"
    assert wire.post("token", {**form, **GRANT, "scope": "no.such"}).error == "invalid_scope"
    assert wire.post("token", {**form, **GRANT, "client_secret": "x"}).error == "invalid_request"
    lifecycle.change_settings(client=client, settings={"may_request_tokens": False}, by=SYSTEM, now=NOW)
    assert wire.post("token", {**form, **GRANT}).error == "unauthorized_client"
    lifecycle.suspend(client=client, reason="test", by=SYSTEM, now=NOW)
    assert wire.post("token", {**form, **GRANT}).error == "invalid_client"
    lifecycle.reactivate(client=client, reason="test", by=SYSTEM, now=NOW)
    lifecycle.change_settings(client=client, settings={"may_request_tokens": True}, by=SYSTEM, now=NOW)
    assert not UsedAssertion.objects.exists()
    assert wire.post("token", {**form, **GRANT}).status == 200


def test_an_assertion_that_meets_a_changed_client_is_used_once(start, client, signer):
    """The first attempt finds an outdated snapshot and touches nothing; the second one succeeds."""
    wire, other = start(), start()
    assert wire.post("token", signer.form(**GRANT)).status == 200
    for endpoint in ("token", "introspect", "revoke"):
        lifecycle.change_settings(client=client, settings={"rate_limit": 1000 + len(endpoint)}, by=SYSTEM, now=NOW)
        form = signer.form(token="x", **GRANT)
        assert wire.post(endpoint, form).status == 200
        assert replayed(other, other.post(endpoint, form))


@pytest.mark.parametrize(("endpoint", "second"), [("introspect", "look_up"), ("revoke", "revoke")])
def test_a_client_that_changes_after_its_assertion_was_spent_is_no_replay(
    wire, client, signer, authorization, monkeypatch, endpoint, second
):
    """Introspection and revocation spend in one statement and act in another, and the change may come in between."""
    store = wire.application.services.store
    act, seen = getattr(store, second), []

    async def change_before_the_first(wanted: object) -> object:
        if not seen:
            change = partial(lifecycle.change_settings, client=client, settings={"rate_limit": 77}, by=SYSTEM, now=NOW)
            await asyncio.to_thread(change)
        seen.append(await act(wanted))
        return seen[-1]

    token = wire.token(authorization).json["access_token"]
    monkeypatch.setattr(store, second, change_before_the_first)
    form = signer.form(token=token)
    answer = wire.post(endpoint, form)
    assert (answer.status, len(seen), seen[0]) == (200, 2, Outcome.STALE)
    assert replayed(wire, wire.post(endpoint, form))


# --- How long it is remembered ----------------------------------------------------------------------------------------


def test_a_used_assertion_is_remembered_until_no_clock_takes_it_any_more(start, signer, clock):
    wire = start()
    expires_at = int(clock()) + 300
    form = signer.form(signer.assertion(exp=expires_at), **GRANT)
    assert wire.post("token", form).status == 200
    clock.pass_by(299)
    assert replayed(wire, wire.post("token", form))
    for seconds, kept in ((-1, True), (1, True), (119, True), (121, False)):
        with time_machine.travel(datetime.fromtimestamp(expires_at, UTC) + timedelta(seconds=seconds), tick=False):
            tasks.purge_expired()
        assert UsedAssertion.objects.exists() is kept, seconds
    clock.pass_by(1)
    assert wire.post("token", form).error == "invalid_client"


def test_only_a_digest_of_the_jti_is_stored(wire, signer):
    assert wire.post("token", signer.form(signer.assertion(jti="a-personal-thing"), **GRANT)).status == 200
    assert len(bytes(UsedAssertion.objects.get().jti_digest)) == 32
    wire.post("token", signer.form(signer.assertion(jti="a-personal-thing"), **GRANT))
    wire.write_behind()
    assert '"rule": "replayed"' in wire.log.getvalue()
    assert "a-personal-thing" not in wire.log.getvalue()
    assert "a-personal-thing" not in str(list(JournalEntry.objects.values()))
