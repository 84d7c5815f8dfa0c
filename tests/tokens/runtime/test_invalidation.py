"""PROTOCOL I-23: what was taken away is gone with the act's commit, in every process; what comes later works."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.acts import catalogue, lifecycle
from clients.acts.credentials import client_secrets
from clients.models import Client
from portal.flows import pasted_secret
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.wire import Answer, Wire, basic
from tokens import tasks
from tokens.acts import incident, invalidation
from tokens.acts.leaks import Leak
from tokens.models import Token

Processes = tuple[Wire, Wire]
INACTIVE = {"active": False}


@pytest.fixture
def processes(start) -> Processes:
    return start(), start()


def issue(wire: Wire, authorization: str, scope: str = "address.read address.write") -> str:
    return wire.token(authorization, scope).json["access_token"]


def seen(processes: Processes, token: str, *callers: str) -> list[dict[str, object]]:
    """Return the answer of each process to each caller about the token."""
    return [wire.introspect(token, caller).json for wire in processes for caller in callers]


def is_gone(processes: Processes, token: str, *callers: str) -> bool:
    verified = [wire.get("verify", authorization=f"Bearer {token}").error for wire in processes]
    return seen(processes, token, *callers) == [INACTIVE] * 2 * len(callers) and verified == ["invalid_token"] * 2


def is_alive(processes: Processes, token: str, *callers: str) -> bool:
    return all(answer["active"] for answer in seen(processes, token, *callers))


def fresh(client: Client) -> Client:
    return Client.objects.get(pk=client.pk)


# --- All tokens -------------------------------------------------------------------------------------------------------


def suspend_and_reactivate(client: Client) -> None:
    lifecycle.suspend(client=fresh(client), reason="test", by=SYSTEM, now=NOW)
    lifecycle.reactivate(client=fresh(client), reason="test", by=SYSTEM, now=NOW)


def revoke_the_secret_as_leaked(client: Client) -> None:
    leak = Leak(client.secrets.current().get())
    incident.revoke(leak=leak, by=SYSTEM, now=NOW)


TAKES_ALL: dict[str, Callable[[Client], object]] = {
    "invalidated": lambda client: invalidation.invalidate_all(client=client, by=SYSTEM, now=NOW),
    "suspended and back": suspend_and_reactivate,
}


@pytest.mark.parametrize("act", TAKES_ALL.values(), ids=TAKES_ALL)
def test_no_token_from_before_is_active_and_those_from_after_are(
    processes, client, authorization, resource_server, act
):
    callers = (authorization, resource_server)
    for _twice in range(2):
        before = [issue(wire, authorization) for wire in processes for _ in range(2)]
        assert all(is_alive(processes, token, *callers) for token in before)
        act(client)
        assert all(is_gone(processes, token, *callers) for token in before)
        after = [issue(wire, authorization) for wire in processes]
        assert all(is_alive(processes, token, *callers) for token in after)


def test_the_tokens_of_other_clients_live_on(processes, client, authorization, resource_server):
    other, secret = factories.client(contact=factories.wim())
    theirs = issue(processes[0], basic(other.client_id, secret), "address.read")
    issue(processes[0], authorization)
    invalidation.invalidate_all(client=client, by=SYSTEM, now=NOW)
    suspend_and_reactivate(client)
    assert is_alive(processes, theirs, resource_server)


def test_a_suspended_client_gets_nothing_and_nothing_of_it_works(
    processes, client, authorization, signer, resource_server
):
    token = issue(processes[0], authorization)
    lifecycle.suspend(client=client, reason="test", by=SYSTEM, now=NOW)
    assert is_gone(processes, token, resource_server)
    for wire in processes:
        for answer in (
            wire.token(authorization),
            wire.post("token", signer.form(grant_type="client_credentials")),
            wire.introspect(token, authorization),
            wire.post("revoke", {"token": token}, authorization=authorization),
        ):
            assert (answer.error, wire.rule(answer)) == ("invalid_client", "client_not_active")
            assert wire.cause(answer).facts == {"state": "suspended"}
    lifecycle.reactivate(client=client, reason="test", by=SYSTEM, now=NOW)
    assert is_gone(processes, token, resource_server, authorization)
    assert is_alive(processes, issue(processes[1], authorization), resource_server)


def test_a_closed_client_is_over(processes, client, authorization, resource_server):
    token = issue(processes[0], authorization)
    lifecycle.close(client=client, reason="test", by=SYSTEM, now=NOW)
    assert is_gone(processes, token, resource_server)
    assert {wire.token(authorization).error for wire in processes} == {"invalid_client"}


def test_with_the_client_id_its_tokens_change(processes, client, secret, authorization, resource_server):
    token = issue(processes[0], authorization)
    new = lifecycle.change_client_id(client=client, seen=client.client_id, by=SYSTEM, now=NOW)
    assert is_gone(processes, token, resource_server)
    assert [wire.token(authorization).status for wire in processes] == [401, 401]
    later = issue(processes[1], basic(new, secret))
    assert {answer["client_id"] for answer in seen(processes, later, resource_server)} == {new}


def test_a_leaked_secret_takes_every_token_along(processes, client, authorization, signer, resource_server):
    form = signer.form(grant_type="client_credentials")
    tokens = [issue(processes[0], authorization), processes[1].post("token", form).json["access_token"]]
    revoke_the_secret_as_leaked(client)
    assert all(is_gone(processes, token, resource_server) for token in tokens)
    assert [wire.token(authorization).status for wire in processes] == [401, 401]
    later = processes[0].post("token", signer.form(grant_type="client_credentials")).json["access_token"]
    assert is_alive(processes, later, resource_server)


# --- One token, or those of one credential ----------------------------------------------------------------------------


def test_one_token_goes_and_the_others_stay(processes, authorization, resource_server):
    leaked, kept = issue(processes[0], authorization), issue(processes[0], authorization)
    (leak,) = incident.look_up(traces=pasted_secret.read(leaked).traces, by=SYSTEM, now=NOW)
    incident.revoke(leak=leak, by=SYSTEM, now=NOW)
    assert is_gone(processes, leaked, authorization, resource_server)
    row = Token.objects.get(revoked_at=None)
    assert is_alive(processes, kept, authorization, resource_server)
    invalidation.revoke(token=row, by=SYSTEM, now=NOW)
    assert is_gone(processes, kept, authorization, resource_server)
    assert is_alive(processes, issue(processes[0], authorization), resource_server)


def test_the_tokens_of_one_credential_go_and_the_others_stay(processes, client, authorization, signer, resource_server):
    by_secret = issue(processes[0], authorization)
    by_key = processes[1].post("token", signer.form(grant_type="client_credentials")).json["access_token"]
    invalidation.invalidate_issued_to(credential=client.secrets.get(), by=SYSTEM, now=NOW)
    assert is_gone(processes, by_secret, authorization, resource_server)
    assert is_alive(processes, by_key, authorization, resource_server)
    assert is_alive(processes, issue(processes[0], authorization), resource_server)


def test_a_token_of_a_machine_whose_clock_is_ahead_goes_too(processes, client, clock, authorization):
    clock.pass_by(5)
    token = issue(processes[0], authorization)
    invalidation.invalidate_issued_to(credential=client.secrets.get(), by=SYSTEM, now=NOW)
    assert is_gone(processes, token, authorization)


# --- A scope ----------------------------------------------------------------------------------------------------------


def remove_write(client: Client) -> None:
    read = (factories.scope("address.read"),)
    lifecycle.change_scopes(client=client, scopes=read, defaults=read, by=SYSTEM, now=NOW)


def retire_write(_client: Client) -> None:
    catalogue.retire_scope(scope=factories.scope("address.write"), by=SYSTEM, now=NOW)


@pytest.mark.parametrize("act", [remove_write, retire_write])
def test_a_scope_that_was_taken_away_is_in_no_token(processes, client, authorization, resource_server, act):
    both, read, write = (
        issue(processes[0], authorization, scope)
        for scope in ("address.write address.read", "address.read", "address.write")
    )
    # The resource server first: when the client itself asks, its process learns of the change by that.
    callers = (resource_server, authorization)
    assert all(is_alive(processes, token, *callers) for token in (both, read, write))
    act(client)
    for token in (both, read):
        assert {answer["scope"] for answer in seen(processes, token, *callers)} == {"address.read"}
    assert is_gone(processes, write, *callers)
    assert {wire.token(authorization, "address.write").error for wire in processes} == {"invalid_scope"}
    assert is_alive(processes, issue(processes[1], authorization, "address.read"), resource_server)


def test_a_token_keeps_its_scopes_when_the_client_gets_more(processes, client, authorization):
    token = issue(processes[0], authorization, "address.read")
    more = (factories.scope("address.read"), factories.scope("tax.read", of=factories.api("taxes")))
    lifecycle.change_scopes(client=client, scopes=more, defaults=more, by=SYSTEM, now=NOW)
    assert {answer["scope"] for answer in seen(processes, token, authorization)} == {"address.read"}


# --- A secret ---------------------------------------------------------------------------------------------------------


def test_a_regenerated_secret_stops_after_its_overlap_and_not_before(start, client, secret):
    now = datetime.now(UTC)  # the database leaves out what ended long ago
    processes = (start(), start())
    processes[0].clock.at = now.timestamp()
    old = basic(client.client_id, secret)

    def statuses(authorization: str) -> list[int]:
        return [wire.token(authorization).status for wire in processes]

    assert statuses(old) == [200, 200]
    first = client_secrets.regenerate(
        client=client, replaces=client.secrets.get(), overlap=timedelta(hours=1), by=SYSTEM, now=now
    )
    assert statuses(old) == statuses(basic(client.client_id, first)) == [200, 200]
    processes[0].clock.pass_by(3600)
    answers: list[Answer] = [wire.token(old) for wire in processes]
    assert [answer.status for answer in answers] == [401, 401]
    assert [wire.rule(answer) for wire, answer in zip(processes, answers, strict=True)] == ["secret_ended"] * 2
    second = client_secrets.regenerate(
        client=client, replaces=client.secrets.current().get(), overlap=timedelta(0), by=SYSTEM, now=now
    )
    assert statuses(basic(client.client_id, first)) == [401, 401]
    assert statuses(basic(client.client_id, second)) == [200, 200]


# --- What it costs ----------------------------------------------------------------------------------------------------


def test_invalidating_touches_as_many_rows_for_forty_tokens_as_for_one(wire, client, authorization):
    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            invalidation.invalidate_all(client=client, by=SYSTEM, now=NOW)
        return [query["sql"].split(" WHERE ")[0][:40] for query in captured.captured_queries]

    issue(wire, authorization)
    for_one = queries()
    tokens = [issue(wire, authorization) for _ in range(40)]
    assert queries() == for_one
    assert not any("tokens_token" in sql for sql in for_one)
    assert not Token.objects.exclude(revoked_at=None).exists()
    assert not any(wire.is_active(token, authorization) for token in tokens)


def test_the_worker_then_marks_the_dead_and_spares_the_living(wire, client, authorization, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH_ROWS", 3)
    other, secret = factories.client(contact=factories.wim())
    for _ in range(7):
        issue(wire, authorization)
    invalidation.invalidate_all(client=client, by=SYSTEM, now=NOW)
    later, theirs = issue(wire, authorization), issue(wire, basic(other.client_id, secret), "address.read")
    tasks.clean_up_after_invalidation(client.pk)
    assert Token.objects.exclude(revoked_at=None).count() == 7
    assert wire.is_active(later, authorization)
    assert wire.is_active(theirs, basic(other.client_id, secret))
