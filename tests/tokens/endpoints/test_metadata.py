"""PROTOCOL I-25: what the metadata says is what the server does (RFC 8414), found out by doing it."""

from __future__ import annotations

import pytest

from clients.acts import catalogue
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.conftest import add_key
from tests.tokens.support.checking import KIND_OF, key
from tests.tokens.support.wire import ISSUER, TOKEN_URL, Signer
from tokens.endpoints.authentication import METHODS
from tokens.endpoints.token import GRANT_TYPE
from tokens.protocol.jws import ALGORITHMS

PATH = "/.well-known/oauth-authorization-server"
ENDPOINTS = {"token": "token", "introspection": "introspect", "revocation": "revoke"}


@pytest.fixture
def described(wire, client) -> dict[str, object]:
    return wire.get(PATH).json


def test_it_is_made_of_the_constants_that_the_code_uses(described):
    expected: dict[str, object] = {
        "issuer": ISSUER,
        "grant_types_supported": [GRANT_TYPE],
        "response_types_supported": [],
        "scopes_supported": ["address.read", "address.write"],
    }
    for name, path in ENDPOINTS.items():
        expected[f"{name}_endpoint"] = f"{ISSUER}/oauth/v2/{path}"
        expected[f"{name}_endpoint_auth_methods_supported"] = list(METHODS)
        expected[f"{name}_endpoint_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    migrated = set(described["scopes_supported"]) - {"address.read", "address.write"}  # those of the example
    expected["scopes_supported"] = sorted({"address.read", "address.write"} | migrated)
    assert described == expected
    assert described["token_endpoint"] == TOKEN_URL
    assert described["grant_types_supported"] == ["client_credentials"]


def test_every_method_that_is_named_works_at_each_endpoint(wire, client, secret, authorization, signer, described):
    for name, path in ENDPOINTS.items():
        ways = {
            "client_secret_basic": lambda: ({}, authorization),
            "client_secret_post": lambda: ({"client_id": client.client_id, "client_secret": secret}, ""),
            "private_key_jwt": lambda: (signer.form(), ""),
        }
        assert set(described[f"{name}_endpoint_auth_methods_supported"]) == set(ways)
        endpoint = described[f"{name}_endpoint"].removeprefix(ISSUER)
        assert endpoint.endswith(path)
        for way in ways.values():
            form, header = way()
            form |= {"token": "x", "grant_type": described["grant_types_supported"][0]}
            assert wire.post(endpoint, form, authorization=header).status == 200
        assert wire.post(endpoint, {"token": "x", "grant_type": GRANT_TYPE}).error == "invalid_client"


def test_every_algorithm_that_is_named_works_at_each_endpoint(wire, client, described):
    for kind in set(KIND_OF.values()):
        add_key(client, key(kind, 25), kid=kind)
    for name in ENDPOINTS:
        endpoint = described[f"{name}_endpoint"].removeprefix(ISSUER)
        for algorithm in described[f"{name}_endpoint_auth_signing_alg_values_supported"]:
            kind = KIND_OF[algorithm]
            mine = Signer(client.client_id, key(kind, 25), wire.clock, algorithm, kid=kind)
            assert wire.post(endpoint, mine.form(token="x", grant_type=GRANT_TYPE)).status == 200, algorithm


def test_every_scope_that_is_named_can_be_asked_for_and_no_other(wire, client, authorization, described):
    for scope in described["scopes_supported"]:
        wire.clock.pass_by(30)  # the journal keeps so many entries a minute
        answer = wire.token(authorization, scope)
        assert answer.status == 200 or wire.rule(answer) == "scope_not_granted"
    assert wire.rule(wire.token(authorization, "no.such")) == "scope_unknown"


def test_scopes_appear_and_disappear_with_the_catalogue(wire, described):
    new = factories.scope("tax.read", of=factories.api("taxes"))
    assert "tax.read" in wire.get(PATH).json["scopes_supported"]
    catalogue.retire_scope(scope=new, by=SYSTEM, now=NOW)
    assert wire.get(PATH).json["scopes_supported"] == described["scopes_supported"]


def test_the_addresses_are_made_of_the_settings(start, client):
    wire = start(issuer="https://keydesk.example", path="/authorization/ws/oauth/v2/")
    found = wire.get(PATH).json
    assert found["issuer"] == "https://keydesk.example"
    assert found["token_endpoint"] == "https://keydesk.example/authorization/ws/oauth/v2/token"
    assert found["introspection_endpoint"] == "https://keydesk.example/authorization/ws/oauth/v2/introspect"
    assert found["revocation_endpoint"] == "https://keydesk.example/authorization/ws/oauth/v2/revoke"


def test_an_assertion_for_the_named_issuer_or_endpoint_is_accepted(wire, signer, described):
    for audience in (described["issuer"], described["token_endpoint"]):
        answer = wire.post("token", signer.form(signer.assertion(aud=audience), grant_type=GRANT_TYPE))
        assert answer.status == 200
