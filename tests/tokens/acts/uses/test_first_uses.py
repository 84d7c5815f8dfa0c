"""API M-9: a key that waits for its first use takes over from the one before once it has authenticated its client."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from audit.models import Entry
from clients import keymaterial
from clients.acts.credentials import keys
from clients.acts.credentials.keys import FIRST_USE_WITHIN, Waits
from clients.mail.rendering import render
from clients.models import Client, Key, Mail
from foundation.refusals import Refusal
from tests.support.factories import NOW, SYSTEM
from tests.support.parallel import at_once
from tests.tokens.support.wire import Clock, Signer, Wire, ec_key, public_jwk
from tokens.acts.uses import first_uses

pytestmark = pytest.mark.django_db(transaction=True)

GRANT = {"grant_type": "client_credentials"}
DAY = timedelta(days=1)
LATER = NOW + timedelta(seconds=5)


@pytest.fixture
def old(client: Client, signer: Signer) -> Key:
    return client.keys.get()


@pytest.fixture
def waiting(client: Client, clock: Clock, old: Key) -> Signer:
    return wait(client, clock, old)


def wait(client: Client, clock: Clock, old: Key | None) -> Signer:
    private = ec_key()
    (read,) = keymaterial.read(json.dumps(public_jwk(private)).encode(), now=NOW)
    row = keys.add(client=client, key=read, by=SYSTEM, now=NOW, proven=True, waits=Waits(old, DAY))
    return Signer(client.client_id, private, clock, kid=row.kid)


def row_of(signer: Signer) -> Key:
    return Key.objects.get(kid=signer.kid)


def ask(wire: Wire, signer: Signer, **more: str) -> int:
    status = wire.post("token", signer.form(signer.assertion(), **GRANT, **more)).status
    wire.write_behind()
    return status


def test_nothing_ends_before_the_new_key_was_used(wire, signer, waiting, old):
    assert ask(wire, signer) == 200
    assert first_uses.settle(now=LATER) == 0
    old.refresh_from_db()
    assert (old.retires_at, row_of(waiting).state(LATER)) == (None, Key.State.WAITING)


def test_after_its_first_use_the_overlap_of_the_old_key_runs(wire, signer, waiting, old):
    assert ask(wire, waiting) == 200
    assert first_uses.settle(now=LATER) == 1
    old.refresh_from_db()
    assert (old.retires_at, row_of(waiting).state(LATER)) == (NOW + DAY, Key.State.ACTIVE)
    assert ask(wire, signer) == 200
    assert [entry.subject_label for entry in Entry.objects.filter(action__in=["key.took_over", "key.retired"])] == [
        old.kid, waiting.kid,
    ]  # fmt: skip
    mail = Mail.objects.filter(facts__action="key.took_over").get()
    assert old.kid in render(mail, now=LATER).body


@pytest.mark.parametrize("more", [{"scope": "unknown.scope"}, {"scope": "no scope!\\"}])
def test_whatever_became_of_the_request_it_is_a_use(wire, waiting, old, more):
    assert ask(wire, waiting, **more) == 400
    assert first_uses.settle(now=LATER) == 1
    old.refresh_from_db()
    assert old.retires_at == NOW + DAY


def test_whoever_cannot_sign_with_it_uses_nothing(wire, waiting, client, clock):
    assert ask(wire, Signer(client.client_id, ec_key(), clock, kid=waiting.kid)) == 400
    assert first_uses.settle(now=LATER) == 0


def test_until_then_it_is_no_way_in(client, waiting, old):
    Client.objects.filter(pk=client.pk).update(secret_allowed=False)
    with pytest.raises(Refusal) as refused:
        keys.retire(key=old, overlap=timedelta(0), by=SYSTEM, now=LATER)
    assert refused.value.code == "last_key"
    keys.retire(key=row_of(waiting), overlap=timedelta(0), by=SYSTEM, now=LATER)
    assert row_of(waiting).state(LATER) == Key.State.RETIRED


def test_a_second_one_replaces_the_first(wire, client, clock, waiting, old):
    second = wait(client, clock, old)
    assert row_of(waiting).state(NOW) == Key.State.RETIRED
    assert ask(wire, waiting) == 400
    assert ask(wire, second) == 200
    assert first_uses.settle(now=LATER) == 1


def test_unused_it_is_dropped_after_thirty_days_with_a_mail(waiting, old):
    almost = NOW + FIRST_USE_WITHIN - timedelta(seconds=1)
    assert first_uses.settle(now=almost) == 0
    assert first_uses.settle(now=NOW + FIRST_USE_WITHIN) == 1
    assert row_of(waiting).retires_at == NOW + FIRST_USE_WITHIN
    assert Entry.objects.filter(action="key.dropped").count() == 1
    assert Mail.objects.filter(facts__action="key.dropped").count() == 1
    old.refresh_from_db()
    assert old.retires_at is None


def test_an_old_key_that_a_person_ended_meanwhile_keeps_its_end(wire, waiting, old):
    keys.retire(key=old, overlap=timedelta(hours=1), by=SYSTEM, now=NOW)
    assert ask(wire, waiting) == 200
    assert first_uses.settle(now=LATER) == 1
    old.refresh_from_db()
    assert old.retires_at == NOW + timedelta(hours=1)


def test_without_a_key_before_it_only_begins_to_count(wire, client, clock):
    alone = wait(client, clock, None)
    assert not client.keys.lasting(LATER).exists()
    assert ask(wire, alone) == 200
    assert first_uses.settle(now=LATER) == 1
    assert client.keys.lasting(LATER).exists()


def test_of_several_workers_one_does_it(wire, waiting, old):
    assert ask(wire, waiting) == 200
    assert sorted(at_once(4, lambda _number: first_uses.settle(now=LATER))) == [0, 0, 0, 1]
    assert Entry.objects.filter(action="key.took_over").count() == 1


def test_a_token_shows_the_use_before_the_counts_are_written(wire, waiting, old):
    assert wire.post("token", waiting.form(waiting.assertion(), **GRANT)).status == 200
    assert first_uses.settle(now=LATER) == 1
