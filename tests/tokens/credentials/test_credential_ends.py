"""PROTOCOL C-39: every secret and bare key ends by its age, with a journal code of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clients import keymaterial
from clients.acts.credentials import client_secrets, keys
from clients.models import Key, Secret
from tests.support.factories import NOW, SYSTEM
from tests.support.keys import certificate_pem, new_ec
from tests.tokens.support.wire import Signer, Wire
from tokens.acts import dry_run

GRANT = {"grant_type": "client_credentials"}
TWO_YEARS = timedelta(days=730)


def test_a_secret_works_for_two_years_and_not_a_second_longer(wire: Wire, client, authorization, clock) -> None:
    secret = client.secrets.get()
    assert secret.expires_at == NOW + TWO_YEARS
    clock.at = secret.expires_at.timestamp() - 1
    assert wire.token(authorization).status == 200
    clock.pass_by(1)
    refused = wire.token(authorization)
    assert (refused.status, refused.error) == (401, "invalid_client")
    cause = wire.cause(refused)
    assert cause is not None
    assert cause.rule == "credential_ended"
    assert cause.facts == {"ended_at": int(clock()), "our_clock": int(clock())}


def test_a_bare_key_ends_by_its_age_and_the_dry_run_knows_it(wire: Wire, client, signer: Signer, clock) -> None:
    key = client.keys.get()
    assert key.expires_at == NOW + TWO_YEARS
    clock.at = key.expires_at.timestamp() - 1
    assert wire.post("token", signer.form(**GRANT)).status == 200
    clock.pass_by(1)
    cause = wire.cause(wire.post("token", signer.form(**GRANT)))
    assert cause is not None
    assert (cause.rule, cause.facts["key"]) == ("credential_ended", key.kid)
    (finding,) = dry_run.explain(signer.assertion(), client=client, now=key.expires_at).findings
    assert finding.rule == "credential_ended"


def test_a_certificate_has_an_end_of_its_own(client) -> None:
    (read,) = keymaterial.read(certificate_pem(new_ec(), days=30, now=NOW), now=NOW)
    key = keys.add(client=client, key=read, by=SYSTEM, now=NOW)
    assert key.expires_at is None
    assert key.end_at == key.not_after


def test_a_site_without_limits_ends_nothing(wire: Wire, client, signer: Signer, clock, settings) -> None:
    settings.SECRET_MAX_AGE = settings.KEY_MAX_AGE = timedelta(0)
    client_secrets.regenerate(
        client=client, replaces=client.secrets.get(), overlap=timedelta(0), by=SYSTEM, now=NOW
    )  # fmt: skip
    assert client.secrets.current().get().expires_at is None


@pytest.mark.parametrize(("ends_in", "rule"), [(-1, "secret_ended"), (1, "credential_ended")])
def test_a_replaced_secret_is_told_apart(wire: Wire, client, authorization, clock, ends_in, rule) -> None:
    end = NOW + TWO_YEARS
    Secret.objects.filter(client=client).update(ends_at=end + timedelta(hours=ends_in))
    clock.at = end.timestamp() + 7200
    assert wire.rule(wire.token(authorization)) == rule


@pytest.mark.django_db
def test_what_has_aged_is_nothing_to_count_on(client, signer: Signer) -> None:
    then = NOW + TWO_YEARS
    assert not client.secrets.usable(then).exists()
    assert not client.keys.usable(then).exists()
    assert client.keys.get().state(then) == Key.State.EXPIRED
    assert client.secrets.get().state(then) == Secret.State.EXPIRED
