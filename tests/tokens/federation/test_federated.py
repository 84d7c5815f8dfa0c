"""PROTOCOL F-32 to F-34, F-38: a JWT of an issuer that the client trusts, in place of an assertion of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clients.acts import lifecycle
from clients.models import Client, Issuer, Trust
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.issuers import GITHUB, PLATFORMS, entra, form, kubernetes, spire
from tests.tokens.support.wire import Wire, basic
from tokens.models import CredentialUse, IssuerKeyRequest, Token, UsageDetail, UsedAssertion

ENDPOINTS = ("token", "introspect", "revoke")


def access_token(wire: Wire, client: Client, token: str) -> str:
    answer = wire.post("token", form(client, token))
    assert answer.status == 200, wire.cause(answer)
    return str(answer.json["access_token"])


# --- PROTOCOL F-38: the platforms -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_token_of_each_platform_works_unmodified(wire, client, clock, name):
    """PROTOCOL F-38."""
    made = PLATFORMS[name](clock)
    trust = made.trust(client)
    answer = wire.post("token", form(client, made.token()))
    assert answer.status == 200, wire.cause(answer)
    assert (answer.json["token_type"], answer.json["scope"]) == ("bearer", "address.read")
    assert Token.objects.get().credential == trust.credential


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("name", PLATFORMS)
def test_it_authenticates_at_each_endpoint(wire, client, clock, name, endpoint):
    """PROTOCOL F-32: introspection and revocation take the same authentication."""
    made = PLATFORMS[name](clock)
    made.trust(client)
    assert wire.post(endpoint, form(client, made.token(), token="x")).status == 200


def test_a_client_introspects_and_revokes_its_own_token_with_it(wire, client, platform):
    token = access_token(wire, client, platform.token())
    assert wire.post("introspect", form(client, platform.token(), token=token)).json["active"] is True
    assert wire.post("revoke", form(client, platform.token(), token=token)).status == 200
    assert wire.post("introspect", form(client, platform.token(), token=token)).json == {"active": False}


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "JOSE", "application/jose", "client-authentication+jwt"])
def test_each_typ_of_the_list_works(wire, client, platform, typ):
    """PROTOCOL F-32."""
    assert wire.post("token", form(client, platform.token(header={"typ": typ}))).status == 200


def test_without_a_kid_the_one_fitting_key_is_tried(wire, client, platform):
    assert wire.post("token", form(client, platform.token(header={"kid": None}))).status == 200


# --- client_id decides ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLATFORMS)
def test_without_a_client_id_the_request_is_malformed(wire, client, clock, name):
    """PROTOCOL F-32."""
    made = PLATFORMS[name](clock)
    made.trust(client)
    given = form(client, made.token())
    del given["client_id"]
    answer = wire.post("token", given)
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_two_clients_may_trust_one_subject_and_the_client_id_decides(wire, client, clock, platform):
    """PROTOCOL F-32."""
    other, _secret = factories.client(contact=factories.wim(), scopes=(factories.scope("tax.read"),))
    platform.trust(other)
    token = platform.token()
    for named, scope in ((client, "address.write"), (other, "tax.read")):
        answer = wire.post("token", form(named, token, scope=scope))
        assert (answer.status, answer.json["scope"]) == (200, scope)


def test_a_federated_client_still_uses_its_key_and_its_secret(wire, client, platform, signer, authorization):
    grant = {"grant_type": "client_credentials"}
    assert wire.post("token", grant | signer.form()).status == 200
    assert wire.post("token", grant, authorization=authorization).status == 200
    assert wire.post("token", form(client, platform.token())).status == 200


def test_an_own_assertion_with_an_address_as_issuer_is_refused_as_before(wire, client, platform, signer):
    """Its client trusts no such issuer, so the wrong `iss` is the fault; with or without client_id."""
    wrong = {"iss": "https://leiestroom.example"}
    for more in ({}, {"client_id": client.client_id}):
        given = {"grant_type": "client_credentials", **signer.form(signer.assertion(**wrong)), **more}
        answer = wire.post("token", given)
        assert (answer.error, wire.rule(answer)) == ("invalid_client", "issuer")


def test_a_second_method_beside_it_is_refused(wire, client, platform, secret):
    with_secret = form(client, platform.token(), client_secret=secret)
    with_header = wire.post("token", form(client, platform.token()), authorization=basic(client.client_id, secret))
    for answer in (wire.post("token", with_secret), with_header):
        assert (answer.error, wire.rule(answer)) == ("invalid_request", "several_methods")


def test_a_suspended_client_is_refused(wire, client, platform):
    lifecycle.suspend(client=client, reason="", by=SYSTEM, now=NOW)
    answer = wire.post("token", form(client, platform.token()))
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "client_not_active")


# --- PROTOCOL F-33: used again, and how long its tokens live ----------------------------------------------------------


def test_the_same_jwt_works_again_until_it_expires(wire, client, platform, clock):
    """PROTOCOL F-33: no jti is spent."""
    token = platform.token()
    for _time in range(3):
        access_token(wire, client, token)
        clock.pass_by(199)
    assert not UsedAssertion.objects.exists()
    clock.pass_by(10)
    answer = wire.post("token", form(client, token))
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "expired")


@pytest.mark.parametrize("left", [1, 60, 600])
def test_a_token_outlives_the_jwt_by_at_most_ten_minutes(wire, client, clock, platform, left):
    """PROTOCOL F-33: expires_in is true, in the answer, in the row and at introspection."""
    Client.objects.update(token_lifetime=3600)
    answer = wire.post("token", form(client, platform.token(exp=int(clock()) + left)))
    assert answer.json["expires_in"] == left + 600
    row = Token.objects.get()
    assert row.expires_at == NOW + timedelta(seconds=left + 600)
    token = {"token": answer.json["access_token"]}
    described = wire.post("introspect", form(client, platform.token(), **token))
    assert described.json["exp"] == int(clock()) + left + 600


def test_a_shorter_lifetime_of_the_client_stays(wire, client, platform):
    Client.objects.update(token_lifetime=300)
    assert wire.post("token", form(client, platform.token())).json["expires_in"] == 300


def test_a_jwt_that_lives_for_24_hours_bounds_nothing(wire, client, clock):
    made = entra(clock)
    made.trust(client)
    Client.objects.update(token_lifetime=3600)
    assert wire.post("token", form(client, made.token())).json["expires_in"] == 3600


# --- PROTOCOL F-34: a token dies with what got it ---------------------------------------------------------------------


def is_active(wire: Wire, authorization: str, token: str) -> bool:
    """As introspection and `verify` say it, which must agree."""
    active = wire.introspect(token, authorization).json["active"]
    assert (wire.send("GET", "verify", authorization=f"Bearer {token}").status == 200) is active
    return bool(active)


def test_a_token_dies_with_its_trust(wire, client, platform, authorization):
    """PROTOCOL F-34."""
    token = access_token(wire, client, platform.token())
    assert is_active(wire, authorization, token)
    Trust.objects.update(ends_at=NOW)
    assert not is_active(wire, authorization, token)
    answer = wire.post("token", form(client, platform.token()))
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "federated_issuer")


def test_a_token_dies_at_a_planned_end_of_its_trust(wire, client, platform, authorization, clock):
    """PROTOCOL F-34: nothing changes in the database at that moment."""
    Trust.objects.update(ends_at=NOW + timedelta(seconds=90))
    token = access_token(wire, client, platform.token())
    clock.pass_by(89)
    assert is_active(wire, authorization, token)
    clock.pass_by(1)
    assert not is_active(wire, authorization, token)
    answer = wire.post("token", form(client, platform.token()))
    assert answer.error == "invalid_client"


def test_an_issuer_that_is_disabled_refuses_from_that_commit_and_enabling_revives_nothing(
    wire, client, platform, authorization, clock
):
    """PROTOCOL F-34 (CVE-2026-1486)."""
    token = access_token(wire, client, platform.token())
    Issuer.objects.update(disabled_at=NOW)
    answer = wire.post("token", form(client, platform.token()))
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "federated_issuer")
    assert wire.cause(answer).facts == {"sent": GITHUB, "expected": [GITHUB], "state": "disabled"}
    assert not is_active(wire, authorization, token)
    clock.pass_by(60)
    Issuer.objects.update(disabled_at=None, enabled_at=NOW + timedelta(seconds=60))
    assert not is_active(wire, authorization, token)
    assert is_active(wire, authorization, access_token(wire, client, platform.token()))


def test_a_change_of_a_trust_ends_its_tokens(wire, client, platform, authorization):
    """PROTOCOL F-34: a change is a new row."""
    token = access_token(wire, client, platform.token())
    Trust.objects.update(ends_at=NOW)
    platform.trust(client)
    assert not is_active(wire, authorization, token)
    assert is_active(wire, authorization, access_token(wire, client, platform.token()))


def test_tokens_of_a_key_and_a_secret_stay_when_a_trust_goes(wire, client, platform, authorization, signer):
    others = [
        wire.token(authorization).json["access_token"],
        wire.post("token", {"grant_type": "client_credentials", **signer.form()}).json["access_token"],
    ]
    Trust.objects.update(ends_at=NOW)
    assert [is_active(wire, authorization, token) for token in others] == [True, True]


# --- Keys of the issuer -----------------------------------------------------------------------------------------------


def test_the_last_good_keys_serve_for_a_day(wire, client, platform, clock):
    clock.pass_by(86_399)
    access_token(wire, client, platform.token())
    clock.pass_by(1)
    answer = wire.post("token", form(client, platform.token()))
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "federated_keys_unavailable")


def test_pasted_keys_do_not_age(wire, client, platform, clock):
    Issuer.objects.update(pasted_keys={"keys": [platform.jwk()]})
    clock.pass_by(86_400 * 30)
    access_token(wire, client, platform.token())


def test_an_issuer_without_keys_is_told_apart(wire, client, platform):
    Issuer.objects.update(keys=[], keys_fetched_at=None)
    answer = wire.post("token", form(client, platform.token()))
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "federated_keys_unavailable")


def test_an_unknown_kid_asks_for_newer_keys_at_most_once_a_minute(wire, client, platform, clock):
    """The request does not wait for them."""
    stranger = form(client, platform.token(header={"kid": "platform-2"}))
    answer = wire.post("token", stranger)
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "kid")
    assert IssuerKeyRequest.objects.get().asked_at == NOW
    for seconds, asked in ((59, 0), (1, 60), (10, 60), (50, 120)):
        clock.pass_by(seconds)
        stranger = form(client, platform.token(header={"kid": "platform-2"}))
        wire.rule(wire.post("token", stranger))
        assert IssuerKeyRequest.objects.get().asked_at == NOW + timedelta(seconds=asked)


def test_an_issuer_that_the_client_does_not_trust_is_never_asked_for_keys(wire, client, platform, clock):
    kubernetes(clock).register()
    wire.rule(wire.post("token", form(client, kubernetes(clock).token(header={"kid": "other"}))))
    assert not IssuerKeyRequest.objects.exists()


# --- What is counted --------------------------------------------------------------------------------------------------


def test_a_use_is_counted_with_its_traits(wire, client, clock):
    """PROTOCOL F-32 and C-41: another audience and a long lifetime are counted; an array of one is not."""
    microsoft, workload = entra(clock), spire(clock)
    trusts = [microsoft.trust(client), workload.trust(client)]
    for made in (microsoft, workload):
        access_token(wire, client, made.token())
    wire.write_behind()
    assert set(CredentialUse.objects.values_list("credential", flat=True)) == {one.credential for one in trusts}
    seen = UsageDetail.objects.values_list("credential", "audience", "kid", "algorithm", "lifetime", "issued")
    assert set(seen) == {
        (trusts[0].credential, "registered", "own", "RS256", 86_400, 1),
        (trusts[1].credential, "issuer", "own", "ES256", 300, 1),
    }
