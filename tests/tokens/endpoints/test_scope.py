"""PROTOCOL T-17: what a client asks for and what it gets (RFC 6749 section 3.3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clients.acts import catalogue, lifecycle
from clients.acts.scopes import deprecation, due
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.wire import Answer, Wire, basic
from tokens.endpoints.token import MAX_SCOPES
from tokens.models import Token


def refused(wire: Wire, answer: Answer) -> str:
    """The rule by which the scope was refused."""
    assert (answer.status, answer.error) == (400, "invalid_scope"), answer.text
    assert answer.json["error_description"]
    return wire.rule(answer)


# --- What is granted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("address.read", "address.read"),
        ("address.write", "address.write"),
        ("address.read address.write", "address.read address.write"),
        ("address.write address.read", "address.write address.read"),
        ("address.read address.read", "address.read"),
        ("address.write address.read address.write", "address.write address.read"),
        ("  address.read   address.write ", "address.read address.write"),
    ],
)
def test_a_client_gets_the_scopes_it_asked_for_once_each_and_in_its_order(wire, authorization, asked, granted):
    answer = wire.token(authorization, asked)
    assert (answer.status, answer.json["scope"]) == (200, granted)
    assert Token.objects.get().scope == granted


def test_a_known_scope_that_the_client_does_not_have_is_left_out(wire, authorization):
    factories.scope("tax.read", of=factories.api("taxes"))
    assert wire.token(authorization, "tax.read address.write").json["scope"] == "address.write"
    assert (
        wire.token(authorization, "address.write tax.read address.read").json["scope"] == "address.write address.read"
    )


def test_if_nothing_remains_the_request_is_refused(wire, authorization):
    factories.scope("tax.read", of=factories.api("taxes"))
    factories.scope("tax.write", of=factories.api("taxes"))
    answer = wire.token(authorization, "tax.read tax.write")
    assert refused(wire, answer) == "scope_not_granted"
    assert wire.cause(answer).facts == {
        "sent": ["tax.read", "tax.write"],
        "expected": ["address.read", "address.write"],
    }
    assert not Token.objects.exists()


def test_an_unknown_scope_is_refused_also_beside_one_that_the_client_has(wire, authorization):
    for asked in (
        "no.such",
        "address.read no.such",
        "no.such address.read",
        "Address.read",
        "address",
        "address.read,x",
    ):
        answer = wire.token(authorization, asked)
        assert refused(wire, answer) == "scope_unknown"
    assert wire.cause(answer).facts["sent"] == ["address.read,x"]
    assert not Token.objects.exists()


def test_a_retired_scope_is_refused_even_to_a_client_that_had_it(wire, authorization):
    """PROTOCOL T-47."""
    retired = factories.scope("address.write")
    assert wire.token(authorization, "address.write").status == 200
    catalogue.retire_scope(scope=retired, by=SYSTEM, now=NOW)
    answer = wire.token(authorization, "address.read address.write")
    assert refused(wire, answer) == "scope_retired"
    facts = wire.cause(answer).facts
    assert (facts["scope"], facts["ended_at"], "instead" in facts) == ("address.write", NOW.timestamp(), False)
    assert wire.token(authorization, "address.read").json["scope"] == "address.read"


def test_a_deprecated_scope_works_until_its_date_and_is_then_refused_with_its_successor(wire, authorization):
    """PROTOCOL T-47."""
    scope, successor, end = factories.scope("address.write"), factories.scope("address.change"), NOW + timedelta(days=9)
    plan = deprecation.Plan(end, successor, "Renamed")
    deprecation.deprecate(scope=scope, plan=plan, by=SYSTEM, now=NOW)
    due.settle(now=end - timedelta(seconds=1))
    assert wire.token(authorization, "address.write").status == 200
    due.settle(now=end)
    answer = wire.token(authorization, "address.write")
    assert refused(wire, answer) == "scope_retired"
    assert {name: wire.cause(answer).facts[name] for name in ("instead", "ended_at")} == {
        "instead": "address.change", "ended_at": end.timestamp()
    }  # fmt: skip
    catalogue.retire_scope(scope=successor, by=SYSTEM, now=end)
    assert "instead" not in wire.cause(wire.token(authorization, "address.write")).facts


# --- Without a scope --------------------------------------------------------------------------------------------------


def test_a_request_without_a_scope_gets_the_defaults(wire, client, authorization):
    assert wire.token(authorization).json["scope"] == "address.read"
    assert wire.post("token", "grant_type=client_credentials&scope=", authorization=authorization).status == 200
    assert wire.post("token", "grant_type=client_credentials&scope=+", authorization=authorization).status == 200
    both = factories.scope("address.read"), factories.scope("address.write")
    lifecycle.change_scopes(client=client, scopes=both, defaults=both, by=SYSTEM, now=NOW)
    assert wire.token(authorization).json["scope"] == "address.read address.write"


def test_without_defaults_a_scope_must_be_named(wire, client, authorization):
    read = factories.scope("address.read")
    lifecycle.change_scopes(client=client, scopes=(read,), defaults=(), by=SYSTEM, now=NOW)
    answer = wire.token(authorization)
    assert refused(wire, answer) == "scope_no_default"
    assert wire.cause(answer).facts == {"expected": ["address.read"]}
    assert wire.token(authorization, "address.read").status == 200


def test_a_client_whose_scopes_are_all_retired_gets_no_token(wire, authorization):
    for name in ("address.read", "address.write"):
        catalogue.retire_scope(scope=factories.scope(name), by=SYSTEM, now=NOW)
    assert refused(wire, wire.token(authorization)) == "scope_no_default"


# --- Characters -------------------------------------------------------------------------------------------------------


def test_characters_that_no_scope_has_are_refused(wire, clock, authorization):
    for odd in ('"', "\\", "\t", "\n", "\r", "\x7f", "\x01", "\x1f", "é", "\u00a0", "\u2028", "\u202e", "🔑"):
        clock.pass_by(10)  # the journal keeps so many entries a minute
        answer = wire.token(authorization, f"address.read {odd}")
        assert refused(wire, answer) == "scope_syntax", repr(odd)
        assert wire.cause(answer).facts["sent"].isprintable()


def test_every_character_of_rfc_6749_may_be_in_a_scope(wire, client, authorization):
    name = "".join(chr(code) for code in (0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F)) if chr(code) != ",")
    odd = factories.scope(name)
    lifecycle.change_scopes(client=client, scopes=(odd,), defaults=(odd,), by=SYSTEM, now=NOW)
    assert wire.token(authorization, name).json["scope"] == name
    assert wire.token(authorization).json["scope"] == name


def test_there_are_at_most_100_different_ones(wire, authorization):
    most = " ".join(f"scope.{number}" for number in range(MAX_SCOPES))
    assert refused(wire, wire.token(authorization, most)) == "scope_unknown"
    assert refused(wire, wire.token(authorization, f"{most} one.more")) == "scope_syntax"
    assert wire.token(authorization, "address.read " * 1000).json["scope"] == "address.read"
    assert refused(wire, wire.token(authorization, "x" * 60_000)) == "scope_unknown"


# --- Changes count at once --------------------------------------------------------------------------------------------


def test_a_scope_that_was_granted_a_moment_ago_is_there_in_every_process(start, client, authorization):
    processes = (start(), start())
    extra = factories.scope("tax.read", of=factories.api("taxes"))
    for wire in processes:
        assert wire.token(authorization, "tax.read").error == "invalid_scope"
    scopes = (factories.scope("address.read"), extra)
    lifecycle.change_scopes(client=client, scopes=scopes, defaults=(extra,), by=SYSTEM, now=NOW)
    for wire in processes:
        assert wire.token(authorization, "tax.read").json["scope"] == "tax.read"
        assert wire.token(authorization).json["scope"] == "tax.read"
        assert refused(wire, wire.token(authorization, "address.write")) == "scope_not_granted"


def test_one_clients_scopes_are_not_anothers(wire, client, authorization):
    tax = factories.scope("tax.read", of=factories.api("taxes"))
    other, secret = factories.client(contact=factories.wim(), scopes=(tax,))
    assert wire.token(basic(other.client_id, secret)).json["scope"] == "tax.read"
    assert refused(wire, wire.token(basic(other.client_id, secret), "address.read")) == "scope_not_granted"
    assert wire.token(authorization, "address.read tax.read").json["scope"] == "address.read"


# --- Keydesk's own scopes (API M-3) -----------------------------------------------------------------------------------


def test_every_client_holds_keydesk_self_and_gets_it_only_by_name(wire, authorization):
    assert "keydesk.self" not in wire.token(authorization).json["scope"].split()
    assert wire.token(authorization, "keydesk.self").json["scope"] == "keydesk.self"
    assert wire.token(authorization, "address.read keydesk.self").json["scope"] == "address.read keydesk.self"


@pytest.mark.parametrize("off", ["off", "off_by_contact"])
def test_a_client_without_self_service_gets_no_such_token(wire, client, authorization, off):
    token = wire.token(authorization, "keydesk.self address.read").json["access_token"]
    client.self_service = off
    client.save()
    assert refused(wire, wire.token(authorization, "keydesk.self")) == "scope_not_granted"
    assert wire.get("verify", authorization=f"Bearer {token}").status == 200  # address.read remains
    client.self_service = "paused"
    client.save()
    assert wire.token(authorization, "keydesk.self").status == 200


def test_a_site_without_the_api_grants_nobody_its_scope(start, authorization):
    off = start(self_service_api=False)
    assert refused(off, off.token(authorization, "keydesk.self")) == "scope_not_granted"
    assert refused(off, off.token(authorization, "keydesk.other")) == "scope_unknown"


@pytest.mark.parametrize("name", ["keydesk.self", "keydesk.clients.read"])
def test_the_catalogue_has_no_scope_under_keydesks_own_names(db, name):
    with pytest.raises(Refusal, match="name_reserved"):
        catalogue.create_scope(name=name, api=factories.api(), description={}, sensitive=False, by=SYSTEM)
    with pytest.raises(Refusal, match="name_reserved"):
        catalogue.create_api(identifier="keydesk", name="Keydesk", description={}, by=SYSTEM)


def test_a_scope_of_the_teams_programs_needs_a_key(wire, client, authorization, signer):
    held = (factories.scope("address.read"), factories.scope("keydesk.clients.read"))
    lifecycle.change_scopes(client=client, scopes=held, defaults=held, by=SYSTEM, now=NOW)
    assert wire.token(authorization, "keydesk.clients.read address.read").json["scope"] == "address.read"
    assert wire.token(authorization).json["scope"] == "address.read"
    answer = wire.token(authorization, "keydesk.clients.read")
    assert refused(wire, answer) == "scope_needs_key"
    assert wire.cause(answer).facts == {"sent": ["keydesk.clients.read"], "expected": ["address.read"]}
    by_key = wire.post("token", signer.form(grant_type="client_credentials", scope="keydesk.clients.read"))
    assert by_key.json["scope"] == "keydesk.clients.read"
    defaults = wire.post("token", signer.form(grant_type="client_credentials")).json["scope"]
    assert defaults == "address.read keydesk.clients.read"


def test_with_a_secret_a_client_of_the_team_may_have_no_default_left(wire, client, authorization):
    held = (factories.scope("keydesk.changes.read"),)
    lifecycle.change_scopes(client=client, scopes=held, defaults=held, by=SYSTEM, now=NOW)
    assert refused(wire, wire.token(authorization)) == "scope_no_default"
