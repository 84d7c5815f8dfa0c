"""PROTOCOL I-20 and I-21: who learns what about a token (RFC 7662)."""

from __future__ import annotations

import base64
import hashlib

import pytest

from clients.acts import catalogue, lifecycle
from clients.models import Client
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.wire import ISSUER, basic
from tokens.models import ApiCalls
from tokens.protocol import token_format

INACTIVE = '{"active":false}'


@pytest.fixture
def token(wire, authorization) -> str:
    return wire.token(authorization, "address.read address.write").json["access_token"]


def changed_characters(token: str) -> list[str]:
    """Tokens that somebody tampered with, or that something on the way did."""
    recomputed = token[:10] + ("A" if token[10] != "A" else "B") + token[11:-6]
    return [
        recomputed + token_format.checksum(recomputed),  # well-formed, but nobody's
        token_format.generate(),
        token[:-1],
        token[:-6],
        token[1:],
        token[4:],
        token.lower(),
        token + "A",
        token + "=",
        f" {token}",
        f"{token} ",
        f"{token}\n",
        f"Bearer {token}",
        f'"{token}"',
        token * 2,
        hashlib.sha256(token.encode()).hexdigest(),
        base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode(),
        "x",
        "é" * 53,
        "\u202e",
        "A" * 50_000,
    ]


# --- The caller -------------------------------------------------------------------------------------------------------


def test_introspection_without_authentication_is_answered_401(wire, client, secret, token):
    """PROTOCOL I-20."""
    post = {
        "nobody": wire.post("introspect", {"token": token}),
        "wrong": wire.introspect(token, basic(client.client_id, "wrong")),
        "unknown": wire.introspect(token, basic("nobody", "wrong")),
        "token as credential": wire.introspect(token, f"Bearer {token}"),
        "wrong in the body": wire.post(
            "introspect", {"token": token, "client_id": client.client_id, "client_secret": "wrong"}
        ),
        "no assertion": wire.post("introspect", {"token": token, "client_id": client.client_id}),
    }
    for name, answer in post.items():
        assert (answer.status, answer.error) == (401, "invalid_client"), name
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert "active" not in answer.json
    good = {"token": token, "client_id": client.client_id, "client_secret": secret}
    assert wire.post("introspect", good).json["active"]


def test_an_assertion_authenticates_the_caller_too(wire, signer, token):
    """PROTOCOL I-20."""
    assert wire.post("introspect", signer.form(token=token)).json["active"]
    answer = wire.post("introspect", signer.form(signer.assertion(aud="x"), token=token))
    assert (answer.status, answer.error, wire.rule(answer)) == (401, "invalid_client", "audience")


def test_the_token_is_required(wire, authorization):
    """PROTOCOL I-20."""
    for body in ("", "token=", "tokens=x", "token_type_hint=access_token"):
        answer = wire.post("introspect", body, authorization=authorization)
        assert (answer.status, answer.error) == (400, "invalid_request"), body
        assert wire.cause(answer).facts == {"parameter": "token"}


# --- Who sees what ----------------------------------------------------------------------------------------------------


def test_a_resource_server_sees_tokens_with_a_scope_of_an_api_it_serves(wire, client, resource_server):
    """PROTOCOL I-20."""
    tax = factories.scope("tax.read", of=factories.api("taxes"))
    taxes, secret = factories.client(contact=factories.wim(), scopes=(), serves=[factories.api("taxes")])
    tax_server = basic(taxes.client_id, secret)
    scopes = (factories.scope("address.read"), tax)
    other, other_secret = factories.client(contact=factories.wim(), scopes=scopes)
    theirs = basic(other.client_id, other_secret)
    only_address, only_tax, both = (
        wire.token(theirs, scope).json["access_token"]
        for scope in ("address.read", "tax.read", "address.read tax.read")
    )
    sees = {
        "address": [wire.is_active(token, resource_server) for token in (only_address, only_tax, both)],
        "tax": [wire.is_active(token, tax_server) for token in (only_address, only_tax, both)],
        "own": [wire.is_active(token, theirs) for token in (only_address, only_tax, both)],
    }
    assert sees == {"address": [True, False, True], "tax": [False, True, True], "own": [True, True, True]}


def test_other_clients_see_nothing_though_they_have_the_same_scopes(wire, token):
    """PROTOCOL I-20."""
    same, secret = factories.client(
        contact=factories.wim(), scopes=(factories.scope("address.read"), factories.scope("address.write"))
    )
    assert wire.introspect(token, basic(same.client_id, secret)).text == INACTIVE


def test_who_may_introspect_changes_with_the_catalogue_at_once(start, authorization):
    """PROTOCOL I-20."""
    processes = (start(), start())
    api = factories.api()
    server, secret = factories.client(contact=factories.wim(), scopes=())
    as_server = basic(server.client_id, secret)
    token = processes[0].token(authorization).json["access_token"]

    def served_by(*servers: Client) -> None:
        catalogue.change_api(api=api, name=api.name, description=api.description, served_by=servers, by=SYSTEM)

    for servers, sees in (((), False), ((server,), True), ((), False), ((server,), True)):
        served_by(*servers)
        assert [wire.is_active(token, as_server) for wire in processes] == [sees, sees]
    lifecycle.suspend(client=Client.objects.get(pk=server.pk), reason="test", by=SYSTEM, now=NOW)
    assert [wire.introspect(token, as_server).status for wire in processes] == [401, 401]


def test_a_scope_that_was_retired_opens_no_view(wire, client, authorization, resource_server):
    """PROTOCOL I-20."""
    token = wire.token(authorization, "address.write").json["access_token"]
    assert wire.is_active(token, resource_server)
    catalogue.retire_scope(scope=factories.scope("address.write"), by=SYSTEM, now=NOW)
    assert wire.introspect(token, resource_server).text == INACTIVE


def test_a_resource_server_sees_a_scope_that_is_newer_than_its_snapshot(wire, client, authorization, resource_server):
    """PROTOCOL I-20."""
    assert wire.is_active(wire.token(authorization).json["access_token"], resource_server)
    new = factories.scope("address.delete")
    lifecycle.change_scopes(client=client, scopes=(new,), defaults=(new,), by=SYSTEM, now=NOW)
    assert wire.is_active(wire.token(authorization).json["access_token"], resource_server)


# --- Inactive ---------------------------------------------------------------------------------------------------------


def test_every_token_that_is_not_to_be_seen_gets_the_same_three_words(
    wire, clock, token, authorization, resource_server
):
    """PROTOCOL I-20."""
    for odd in changed_characters(token):
        for caller in (authorization, resource_server):
            answer = wire.introspect(odd, caller)
            assert (answer.status, answer.text) == (200, INACTIVE), odd
    revoked = wire.token(authorization).json["access_token"]
    wire.post("revoke", {"token": revoked}, authorization=authorization)
    assert wire.introspect(revoked, resource_server).text == INACTIVE
    assert wire.is_active(token, resource_server)
    clock.pass_by(3600)
    assert wire.introspect(token, resource_server).text == INACTIVE


def test_an_expired_token_is_inactive_also_before_and_after_it_is_purged(wire, clock, token, authorization):
    """PROTOCOL I-20."""
    clock.pass_by(10_000)
    assert wire.introspect(token, authorization).text == INACTIVE


# --- Active -----------------------------------------------------------------------------------------------------------


def test_an_active_token_is_described(wire, clock, client, authorization, resource_server):
    """PROTOCOL I-21."""
    clock.at += 0.75
    issued = wire.token(authorization, "address.write address.read").json
    clock.pass_by(100)
    who = {"client_uid": str(client.uid), "client_name": client.name, "organisation": client.organisation}
    for caller, more in ((resource_server, who), (authorization, {})):
        assert wire.introspect(issued["access_token"], caller).json == more | {
            "active": True,
            "scope": "address.write address.read",
            "client_id": client.client_id,
            "sub": client.client_id,
            "aud": "addresses",
            "iss": ISSUER,
            "jti": base64.urlsafe_b64encode(hashlib.sha256(issued["access_token"].encode()).digest())[:-1].decode(),
            "token_type": "bearer",
            "iat": int(NOW.timestamp()),
            "exp": int(NOW.timestamp()) + issued["expires_in"],
        }


def test_the_audience_is_every_api_that_the_scopes_open(wire):
    """PROTOCOL I-21."""
    scopes = (factories.scope("address.read"), factories.scope("tax.read", of=factories.api("taxes")))
    other, secret = factories.client(contact=factories.wim(), scopes=scopes)
    authorization = basic(other.client_id, secret)
    for asked, audience in (
        ("tax.read", "taxes"),
        ("address.read", "addresses"),
        ("tax.read address.read", ["addresses", "taxes"]),
    ):
        token = wire.token(authorization, asked).json["access_token"]
        assert wire.introspect(token, authorization).json["aud"] == audience


def test_the_issuer_is_the_setting(start, authorization):
    """PROTOCOL I-21."""
    wire = start(issuer="https://keydesk.example")
    token = wire.token(authorization).json["access_token"]
    assert wire.introspect(token, authorization, HTTP_HOST="evil.example").json["iss"] == "https://keydesk.example"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "", "nonsense", "é"])
def test_a_hint_never_hides_a_token(wire, token, authorization, hint):
    """PROTOCOL I-21."""
    body = {"token": token, "token_type_hint": hint}
    assert wire.post("introspect", body, authorization=authorization).json["active"]
    assert wire.post("revoke", body, authorization=authorization).status == 200
    assert not wire.is_active(token, authorization)


def test_asking_does_not_change_a_token(start, token, authorization, resource_server):
    """PROTOCOL I-21."""
    answers = {start().introspect(token, resource_server).text for _ in range(3)}
    assert len(answers) == 1


# --- PROTOCOL I-44: who calls -----------------------------------------------------------------------------------------


def test_a_resource_server_learns_who_calls(wire, client, token, resource_server):
    """PROTOCOL I-44."""
    told = wire.introspect(token, resource_server).json
    assert (told["client_uid"], told["client_name"]) == (str(client.uid), client.name)
    assert told["organisation"] == "Waterbedrijf Leiestroom"


def test_the_caller_is_the_same_after_a_change_of_the_client_id(wire, client, secret, resource_server):
    """PROTOCOL I-44."""
    before = wire.introspect(
        wire.token(basic(client.client_id, secret), "address.read").json["access_token"], resource_server
    )
    new = lifecycle.change_client_id(client=client, seen=client.client_id, by=SYSTEM, now=NOW)
    Client.objects.filter(pk=client.pk).update(organisation="Leiestroom nv")
    after = wire.introspect(wire.token(basic(new, secret), "address.read").json["access_token"], resource_server)
    assert (after.json["client_id"], after.json["organisation"]) == (new, "Leiestroom nv")
    assert after.json["client_uid"] == before.json["client_uid"]


def test_the_client_itself_is_not_told_who_it_is(wire, token, authorization):
    """PROTOCOL I-44."""
    told = wire.introspect(token, authorization).json
    assert told["active"]
    assert not {"client_uid", "client_name", "organisation"} & set(told)


def test_calls_are_counted_by_the_api_whose_server_asks(wire, client, authorization, token, resource_server):
    """PROTOCOL C-46: of active tokens, and not when the client asks about its own."""
    for _ in range(3):
        assert wire.introspect(token, resource_server).json["active"]
    wire.introspect(token, authorization)
    wire.introspect(token[:-1], resource_server)
    wire.write_behind()
    wire.introspect(token, resource_server)
    wire.write_behind()
    (calls,) = ApiCalls.objects.all()
    assert (calls.client, calls.api, calls.day, calls.calls) == (client, "addresses", NOW.date(), 4)
    assert calls.last_at == NOW
