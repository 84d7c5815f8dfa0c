"""PROTOCOL R-5: exactly one client authentication method per request, and one that the client is registered for.

Two at once: invalid_request (RFC 6749 section 2.3).
"""

import pytest
from joserfc.jwk import OctKey

from clients.acts import lifecycle
from clients.acts.credentials import client_secrets
from clients.models import Client
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.wire import JWT_BEARER, Signer, Wire, basic, ec_key
from tokens.endpoints.authentication import METHODS

GRANT = {"grant_type": "client_credentials", "token": "x"}
ENDPOINTS = ("token", "introspect", "revoke")


@pytest.fixture
def in_form(client: Client, secret: str) -> dict[str, str]:
    return {"client_id": client.client_id, "client_secret": secret}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_of_the_three_methods_alone_is_enough(wire: Wire, authorization, in_form, signer, endpoint):
    assert METHODS == ("client_secret_basic", "client_secret_post", "private_key_jwt")
    assert wire.post(endpoint, GRANT, authorization=authorization).status == 200
    assert wire.post(endpoint, GRANT | in_form).status == 200
    assert wire.post(endpoint, GRANT | signer.form()).status == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_two_at_once_are_refused_also_when_both_are_right(wire, client, authorization, in_form, signer, endpoint):
    several = [
        wire.post(endpoint, GRANT | in_form, authorization=authorization),
        wire.post(endpoint, GRANT | signer.form(), authorization=authorization),
        wire.post(endpoint, GRANT | in_form | signer.form()),
        wire.post(endpoint, GRANT | in_form | signer.form(), authorization=authorization),
    ]
    for answer in several:
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert wire.rule(answer) == "several_methods"
        assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize(
    "half", [{"client_secret": "x"}, {"client_assertion": "a.b.c"}, {"client_assertion_type": JWT_BEARER}]
)
def test_half_a_second_method_is_a_second_method(wire, authorization, signer, half):
    answer = wire.post("token", GRANT | half, authorization=authorization)
    assert (answer.error, wire.rule(answer)) == ("invalid_request", "several_methods")


def test_a_header_of_another_scheme_counts_too(wire, in_form):
    answer = wire.post("token", GRANT | in_form, authorization="Bearer abc")
    assert (answer.error, wire.rule(answer)) == ("invalid_request", "several_methods")


def test_an_assertion_is_not_spent_by_a_request_with_two_methods(wire, authorization, signer):
    form = GRANT | signer.form()
    assert wire.post("token", form, authorization=authorization).error == "invalid_request"
    assert wire.post("token", form).status == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_method_at_all(wire, client, endpoint):
    nobody = wire.post(endpoint, GRANT)
    assert nobody.error == "invalid_client"
    public = wire.post(endpoint, GRANT | {"client_id": client.client_id})
    assert public.error == "invalid_client"
    assert wire.rule(public) == "no_credentials"


def test_a_client_with_secrets_only_cannot_sign(wire, client: Client, secret, clock):
    stranger = Signer(client.client_id, ec_key(), clock)
    answer = wire.post("token", GRANT | stranger.form())
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "no_keys")


def test_a_secret_does_not_sign_assertions(wire, client: Client, secret, signer: Signer, clock):
    """client_secret_jwt is none of the methods."""
    forger = Signer(client.client_id, OctKey.import_key(secret), clock, algorithm="HS256", kid=signer.kid)
    answer = wire.post("token", GRANT | forger.form())
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "algorithm")


def test_a_client_that_is_to_use_its_keys_only_cannot_use_its_secret(wire, client, in_form, signer, secret):
    client_secrets.set_allowed(client=client, allowed=False, by=SYSTEM, now=NOW)
    by_header = wire.token(basic(client.client_id, secret))
    assert (by_header.status, by_header.error) == (401, "invalid_client")
    entry = wire.cause(by_header)
    assert (entry.rule, entry.facts) == ("secret_not_allowed", {})
    by_form = wire.post("token", GRANT | in_form)
    assert (by_form.error, wire.rule(by_form)) == ("invalid_client", "secret_not_allowed")
    assert wire.post("token", GRANT | signer.form()).status == 200


def test_a_client_that_may_request_no_tokens_is_refused_by_each_method(wire, client, authorization, signer):
    lifecycle.change_settings(client=client, settings={"may_request_tokens": False}, by=SYSTEM, now=NOW)
    assert wire.token(authorization).error == "unauthorized_client"
    assert wire.post("token", GRANT | signer.form()).error == "unauthorized_client"
