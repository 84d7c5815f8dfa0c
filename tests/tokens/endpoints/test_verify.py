"""PROTOCOL I-24: the older `verify`, and the example API that does what an API behind Keydesk does (RFC 6750)."""

from __future__ import annotations

import logging

import pytest

from clients.acts import lifecycle
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.endpoints.test_introspection import changed_characters
from tests.tokens.support.wire import Answer, basic
from tokens.endpoints.example_api import SCOPE

RESOURCES = ("verify", "authorization/verify", "example")


@pytest.fixture
def bearer(wire, client, authorization) -> str:
    """A token for everything here, the example API too."""
    scopes = (factories.scope("address.read"), factories.scope(SCOPE, of=factories.api("example")))
    lifecycle.change_scopes(client=client, scopes=scopes, defaults=scopes, by=SYSTEM, now=NOW)
    return wire.token(authorization).json["access_token"]


def test_verify_answers_as_the_older_system_did(wire, clock, client, bearer):
    clock.pass_by(600.9)
    for answer in (
        wire.get("verify", authorization=f"Bearer {bearer}"),
        wire.get("verify/", authorization=f"Bearer {bearer}"),
        wire.get("verify", query=f"access_token={bearer}"),
        wire.get("authorization/verify", query=f"access_token={bearer}"),
    ):
        assert answer.status == 200
        assert answer.json == {
            "audience": client.client_id,
            "scope": f"address.read {SCOPE}",
            "expires_in": "3000",
        }


def test_the_example_api_answers_who_has_its_scope(wire, client, bearer):
    for answer in (
        wire.get("example", authorization=f"Bearer {bearer}"),
        wire.get("example", query=f"access_token={bearer}"),
    ):
        assert (answer.status, answer.json["client_id"]) == (200, client.client_id)


def test_the_example_api_wants_its_scope(wire, client, authorization, bearer):
    token = wire.token(authorization, "address.read").json["access_token"]
    answer = wire.get("example", authorization=f"Bearer {token}")
    assert (answer.status, answer.error) == (403, "insufficient_scope")
    challenge = answer.headers["WWW-Authenticate"]
    uri = answer.json["error_uri"]
    assert challenge == f'Bearer realm="Keydesk", error="insufficient_scope", scope="{SCOPE}", error_uri="{uri}"'
    assert wire.get("verify", authorization=f"Bearer {token}").status == 200


@pytest.mark.parametrize("resource", RESOURCES)
def test_without_a_token_the_challenge_has_no_error(wire, authorization, resource):
    for answer in (
        wire.get(resource),
        wire.get(resource, authorization=authorization),
        wire.get(resource, authorization="Bearer"),
        wire.get(resource, authorization="Bearer "),
        wire.get(resource, query="access_token="),
        wire.get(resource, query="token=x&other"),
    ):
        assert (answer.status, answer.told) == (401, "{}")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Keydesk"'


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_token_that_is_not_active_is_invalid(wire, bearer, resource):
    for odd in changed_characters(bearer):
        if odd.strip() in (bearer, f"Bearer {bearer}"):  # white space around a header's value does not count
            continue
        answer = wire.get(resource, authorization=f"Bearer {odd}")
        assert (answer.status, answer.error) == (401, "invalid_token"), odd
        uri = answer.json["error_uri"]
        assert answer.headers["WWW-Authenticate"] == f'Bearer realm="Keydesk", error="invalid_token", error_uri="{uri}"'
    assert wire.get(resource, query="access_token=x").error == "invalid_token"
    assert wire.get(resource, query=f"access_token=%20{bearer}").error == "invalid_token"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_written_in_any_case(wire, bearer, scheme):
    assert wire.get("verify", authorization=f"{scheme} {bearer}").status == 200
    assert wire.get("verify", authorization=f"{scheme}   {bearer} ").status == 200


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_token_in_two_places_is_a_mistake(wire, authorization, bearer, resource):
    """RFC 6750 section 3: a request that authenticates nobody is answered with a challenge, whatever its status."""
    for header in (f"Bearer {bearer}", "Bearer x", authorization, "Bearer"):
        is_a_mistake(wire.get(resource, authorization=header, query=f"access_token={bearer}"))
    is_a_mistake(wire.get(resource, query=f"access_token={bearer}&access_token={bearer}"))


def is_a_mistake(answer: Answer) -> None:
    assert (answer.status, answer.error) == (400, "invalid_request")
    uri = answer.json["error_uri"]
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="Keydesk", error="invalid_request", error_uri="{uri}"'


def test_a_site_may_take_tokens_in_the_header_only(start, bearer):
    wire = start(verify_accepts_query=False)
    for resource in RESOURCES:
        answer = wire.get(resource, query=f"access_token={bearer}")
        assert (answer.status, answer.told) == (401, "{}")
        assert wire.get(resource, authorization=f"Bearer {bearer}").status == 200
        assert wire.get(resource, authorization=f"Bearer {bearer}", query=f"access_token={bearer}").status == 200


def test_a_token_in_the_body_is_not_read(wire, bearer):
    body = f"access_token={bearer}".encode()
    assert wire.send("GET", "verify", body=body).told == "{}"
    assert wire.send("POST", "verify", body=body).status == 405


def test_odd_queries_are_refused_without_a_fault(wire, bearer):
    for query in ("access_token=%", "access_token=%ff", "access_token=%00", "&" * 100, "=" * 1000, "access_token=é"):
        for resource in RESOURCES:
            assert wire.get(resource, query=query).status in (400, 401), query


def test_the_token_is_in_no_log(wire, bearer, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        for query in (f"access_token={bearer}", f"x=%&access_token={bearer}", f"access_token={bearer}&access_token=1"):
            wire.get("verify", query=query)
            wire.get("example", query=query)
            wire.get("no-such-endpoint", query=query)
    wire.write_behind()
    logged = caplog.text + wire.log.getvalue() + "".join(capfd.readouterr())
    assert '"endpoint": "verify"' in logged
    assert bearer[4:40] not in logged


def test_a_scope_that_a_client_lost_is_gone_from_verify_too(wire, client, authorization, bearer):
    lifecycle.change_scopes(client=client, scopes=(factories.scope("address.read"),), defaults=(), by=SYSTEM, now=NOW)
    assert wire.get("verify", authorization=f"Bearer {bearer}").json["scope"] == "address.read"
    assert wire.get("example", authorization=f"Bearer {bearer}").error == "insufficient_scope"
    other, secret = factories.client(contact=factories.wim())
    theirs = wire.token(basic(other.client_id, secret)).json["access_token"]
    lifecycle.suspend(client=client, reason="test", by=SYSTEM, now=NOW)
    assert wire.get("verify", authorization=f"Bearer {bearer}").error == "invalid_token"
    assert wire.get("verify", authorization=f"Bearer {theirs}").status == 200
