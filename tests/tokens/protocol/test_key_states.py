"""PROTOCOL A-15: a key authenticates while it is in use, and not a moment longer or sooner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from clients import keymaterial
from clients.acts import lifecycle
from clients.acts.credentials import keys
from clients.models import Client
from tests.support.factories import SYSTEM
from tests.support.keys import certificate_pem, new_ec
from tests.support.keys import public_key as public
from tests.tokens.support.checking import AT, client_key, key, refusal, rule, signer
from tests.tokens.support.wire import Clock, Signer, Wire
from tokens.protocol.errors import Rule

GRANT = {"grant_type": "client_credentials"}
NEVER = float("inf")


@pytest.mark.parametrize(
    ("dates", "state"),
    [
        ({}, ""),
        ({"active_from": AT}, ""),
        ({"active_from": AT + 0.001}, "staged"),
        ({"active_from": NEVER}, "staged"),
        ({"retires_at": AT + 0.001}, ""),
        ({"retires_at": AT}, "retired"),
        ({"retires_at": AT - 1, "not_after": AT - 1}, "retired"),
        ({"not_after": AT + 0.001}, ""),
        ({"not_after": AT}, "expired"),
        ({"not_after": AT - 1, "active_from": NEVER}, "expired"),
        ({"retires_at": AT + 5, "active_from": AT - 5, "not_after": AT + 5}, ""),
    ],
)
def test_a_key_authenticates_from_its_start_until_its_end(dates: dict[str, Any], state: str) -> None:
    ours = client_key(key("P-256"), **dates)
    assert ours.problem_at(AT) == state
    for kid in ("k1", None):
        reason = refusal(signer(kid=kid).assertion(), ours)
        if state == "expired":  # PROTOCOL C-39
            ended = {"key": "k1", "ended_at": int(dates["not_after"]), "our_clock": int(AT)}
            assert reason
            assert (reason.rule, reason.facts) == (Rule.CREDENTIAL_ENDED, ended)
        else:
            assert (reason and reason.rule) == (Rule.KEY_NOT_USABLE if state else None)
            assert reason is None or reason.facts == {"key": "k1", "state": state}


def test_the_state_of_a_key_is_told_before_its_signature_is_looked_at() -> None:
    retired = client_key(key("P-256"), retires_at=AT)
    assert rule(signer(number=2).assertion(), retired) == "key_not_usable"


# --- On the wire: the database leaves out what ended long ago, so these are about today -------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC).timestamp())


@pytest.fixture
def processes(start) -> tuple[Wire, Wire]:
    return start(), start()


def now(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock(), UTC)


def states(processes: tuple[Wire, Wire], mine: Signer) -> set[str]:
    """Return the verdict of each process: "ok", or the reason as the contact reads it."""
    found = set()
    for wire in processes:
        answer = wire.post("token", mine.form(**GRANT))
        cause = wire.cause(answer)
        assert (answer.status == 200) is (cause is None)
        found.add(cause.facts.get("state", cause.rule) if cause else "ok")
    return found


def test_a_staged_key_works_from_its_activation_to_its_retirement(client, processes, clock):
    private = new_ec()
    mine = Signer(client.client_id, ECKey.import_key(private), clock)
    assert states(processes, mine) == {"no_keys"}
    row = keys.add(client=client, key=public(private), by=SYSTEM, now=now(clock), active=False)
    assert states(processes, mine) == {"staged"}
    keys.activate(key=row, by=SYSTEM, now=now(clock))
    assert states(processes, mine) == {"ok"}
    keys.retire(key=row, overlap=timedelta(hours=1), by=SYSTEM, now=now(clock))
    assert states(processes, mine) == {"ok"}
    clock.pass_by(3599)
    assert states(processes, mine) == {"ok"}
    clock.pass_by(1)
    assert states(processes, mine) == {"retired"}


def test_a_key_that_is_retired_without_overlap_is_refused_at_once(client, processes, clock):
    private = new_ec()
    mine = Signer(client.client_id, ECKey.import_key(private), clock)
    row = keys.add(client=client, key=public(private), by=SYSTEM, now=now(clock))
    assert states(processes, mine) == {"ok"}
    keys.retire(key=row, overlap=timedelta(0), by=SYSTEM, now=now(clock))
    assert states(processes, mine) == {"retired"}


def test_a_certificate_works_until_its_not_after(client, processes, clock):
    private = new_ec()
    pem = certificate_pem(private, days=2, now=now(clock))
    (read,) = keymaterial.read(pem, now=now(clock))
    row = keys.add(client=client, key=read, by=SYSTEM, now=now(clock))
    mine = Signer(client.client_id, ECKey.import_key(private), clock, kid=row.kid)
    assert states(processes, mine) == {"ok"}
    clock.at = row.not_after.timestamp() - 1
    assert states(processes, mine) == {"ok"}
    clock.at = row.not_after.timestamp()
    assert states(processes, mine) == {"credential_ended"}


def test_a_closed_clients_key_and_secret_open_nothing(client, authorization, processes, clock):
    private = new_ec()
    keys.add(client=client, key=public(private), by=SYSTEM, now=now(clock))
    mine = Signer(client.client_id, ECKey.import_key(private), clock)
    assert states(processes, mine) == {"ok"}
    lifecycle.close(client=Client.objects.get(pk=client.pk), reason="test", by=SYSTEM, now=now(clock))
    assert states(processes, mine) == {"retired"}
    for wire in processes:
        answer = wire.token(authorization)
        assert (answer.status, answer.error, wire.rule(answer)) == (401, "invalid_client", "secret_ended")
