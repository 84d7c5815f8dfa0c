"""PROTOCOL A-11 and A-12: whose assertion it is, and for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clients.acts import lifecycle
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.conftest import add_key
from tests.tokens.support.checking import CLIENT, client_key, key, policy, refusal, rule, signer
from tests.tokens.support.wire import ISSUER, PATH, TOKEN_URL, Signer
from tokens.policy import from_settings
from tokens.protocol import assertion, jws
from tokens.protocol.errors import Rule

OURS = client_key(key("P-256"))
GRANT = {"grant_type": "client_credentials"}


# --- PROTOCOL A-11: iss and sub ---------------------------------------------------------------------------------------

OTHERS: list[object] = [None, "", "other", CLIENT.upper(), f" {CLIENT}", f"{CLIENT}\n", f"{CLIENT}\0", CLIENT[:-1]]
NO_STRINGS: list[object] = [0, True, [CLIENT], {"id": CLIENT}, [[CLIENT]], []]


@pytest.mark.parametrize(("claim", "expected"), [("iss", Rule.ISSUER), ("sub", Rule.SUBJECT)])
@pytest.mark.parametrize("value", [*OTHERS, *NO_STRINGS, "ｍeterstanden", "meterstánden", ISSUER])
def test_iss_and_sub_are_the_client_id_to_the_letter(claim: str, expected: Rule, value: object) -> None:
    """PROTOCOL A-11."""
    changed: dict[str, Any] = {claim: value}
    reason = refusal(signer().assertion(**changed), OURS)
    assert reason is not None
    assert (reason.rule, reason.facts["expected"]) == (expected, CLIENT)


def test_the_right_iss_and_sub_are_accepted() -> None:
    """PROTOCOL A-11."""
    assert rule(signer().assertion(iss=CLIENT, sub=CLIENT), OURS) == ""


def test_the_journal_says_which_of_the_two_is_wrong(wire, client, signer):
    """PROTOCOL A-11."""
    answer = wire.post("token", signer.form(signer.assertion(iss="https://leiestroom.example"), **GRANT))
    assert (answer.status, answer.error) == (400, "invalid_client")
    entry = wire.cause(answer)
    assert entry.rule == "issuer"
    assert entry.facts == {"sent": "https://leiestroom.example", "expected": client.client_id}


def test_another_clients_name_does_not_help(wire, client, signer):
    """PROTOCOL A-11."""
    other, _secret = factories.client(contact=factories.wim())
    add_key(other, key("P-256", 4), kid="theirs")
    for names in (
        {"sub": other.client_id},
        {"iss": other.client_id, "sub": other.client_id},
    ):
        answer = wire.post("token", signer.form(signer.assertion(**names), **GRANT))
        assert (answer.error, wire.rule(answer)) == ("invalid_client", "kid")
        assert wire.cause(answer).client == other
    only_iss = wire.post("token", signer.form(signer.assertion(iss=other.client_id, sub=None), **GRANT))
    assert only_iss.error == "invalid_client"
    as_form = wire.post("token", signer.form(client_id=other.client_id, **GRANT))
    assert as_form.error == "invalid_client"


def test_a_client_id_in_the_form_may_repeat_the_same(wire, client, signer):
    """PROTOCOL A-11."""
    assert wire.post("token", signer.form(client_id=client.client_id, **GRANT)).status == 200


def test_an_assertion_of_nobody_is_refused_like_any_other(wire):
    """PROTOCOL A-11."""
    mine = Signer("nobody", key("P-256"), wire.clock, kid="k1")
    for sub in ("", "nobody", "a" * 5000, "x'; DROP TABLE clients_client; --", "\0", "\ud800", 1, [], None):
        answer = wire.post("token", mine.form(mine.assertion(sub=sub, iss=sub), **GRANT))
        assert answer.status == 400
        assert answer.told == '{"error":"invalid_client","error_description":"Client authentication failed."}'


# --- PROTOCOL A-12: aud -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", [ISSUER, TOKEN_URL, [ISSUER], [TOKEN_URL]])
def test_the_audience_is_the_issuer_or_the_token_endpoint(audience: object) -> None:
    """PROTOCOL A-12."""
    assert rule(signer().assertion(aud=audience), OURS) == ""


@pytest.mark.parametrize(
    "audience",
    [
        "https://keydesk.example/OAuth/V2/token",
        "https://keydesk.example/oauth/v2/token",
        "https://keydesk.example",
    ],
)
def test_older_clients_write_the_address_in_lower_case(audience: str) -> None:
    """PROTOCOL A-12."""
    site = replace(from_settings(), issuer="https://keydesk.example", path="/OAuth/V2/")
    under = site.assertion_policy(issuer_audience_only=False)
    assert rule(signer().assertion(aud=audience), OURS, under=under) == ""


WRONG: list[object] = [
    None,
    "",
    f"{ISSUER}/",
    f"{TOKEN_URL}/",
    TOKEN_URL.upper(),
    f"{TOKEN_URL}?x=1",
    f"{TOKEN_URL}#x",
    f" {TOKEN_URL}",
    f"{ISSUER}{PATH}introspect",
    f"{ISSUER}{PATH}revoke",
    f"{ISSUER}.evil.example",
    f"{ISSUER}@evil.example{PATH}token",
    "https://testserver",
    "testserver",
    f"{PATH}token",
    "token",
    0,
    True,
    {},
    {"aud": TOKEN_URL},
    [],
    [[TOKEN_URL]],
    [None],
    [{}],
]


@pytest.mark.parametrize("audience", WRONG)
def test_another_audience_is_refused_and_the_right_ones_are_named(audience: object) -> None:
    """PROTOCOL A-12."""
    reason = refusal(signer().assertion(aud=audience), OURS)
    assert reason is not None
    assert (reason.rule, reason.facts["expected"]) == (Rule.AUDIENCE, [ISSUER, TOKEN_URL])


@pytest.mark.parametrize(
    "more", ["https://other.example", ISSUER, TOKEN_URL, "", None, 0, [], "https://testserver/oauth/v2/authorize"]
)
def test_an_audience_of_two_is_never_accepted(more: object) -> None:
    """PROTOCOL A-12 (CVE-2025-27370 and 27371): the second value may be a server that replays the assertion here."""
    for audience in ([TOKEN_URL, more], [more, TOKEN_URL], [ISSUER, more], [TOKEN_URL, TOKEN_URL, more]):
        assert rule(signer().assertion(aud=audience), OURS) == "audience"
        assert rule(signer().assertion(aud=audience), OURS, under=policy(strict=True)) == "audience"


def test_strictly_the_audience_is_the_issuer_as_one_string() -> None:
    """PROTOCOL A-12."""
    strict = policy(strict=True)
    assert rule(signer().assertion(aud=ISSUER), OURS, under=strict) == ""
    for audience in (TOKEN_URL, [ISSUER], [TOKEN_URL], *WRONG):
        reason = refusal(signer().assertion(aud=audience), OURS, under=strict)
        assert reason is not None
        assert (reason.rule, reason.facts["expected"]) == (Rule.AUDIENCE, [ISSUER])


def test_the_site_may_be_strict(start, client, signer):
    """PROTOCOL A-12."""
    wire = start(issuer_audience_only=True)
    answer = wire.post("token", signer.form(**GRANT))
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "audience")
    assert wire.cause(answer).facts == {"sent": TOKEN_URL, "expected": [ISSUER]}
    assert wire.post("token", signer.form(signer.assertion(aud=[ISSUER]), **GRANT)).error == "invalid_client"
    assert wire.post("token", signer.form(signer.assertion(aud=ISSUER), **GRANT)).status == 200


def test_a_client_may_be_strict_from_the_next_request_on(wire, client, signer):
    """PROTOCOL A-12."""
    other, _secret = factories.client(contact=factories.wim())
    row = add_key(other, key("P-256", 4))
    theirs = Signer(other.client_id, key("P-256", 4), wire.clock, kid=row.kid)
    assert wire.post("token", signer.form(**GRANT)).status == 200
    lifecycle.change_settings(client=client, settings={"issuer_audience_only": True}, by=SYSTEM, now=NOW)
    assert wire.rule(wire.post("token", signer.form(**GRANT))) == "audience"
    assert wire.post("token", signer.form(signer.assertion(aud=ISSUER), **GRANT)).status == 200
    assert wire.post("token", theirs.form(**GRANT)).status == 200


def test_introspection_and_revocation_want_the_same_audiences(wire, client, signer):
    """PROTOCOL A-12."""
    for endpoint in ("introspect", "revoke"):
        for audience, accepted in ((TOKEN_URL, True), (ISSUER, True), (f"{ISSUER}{PATH}{endpoint}", False)):
            answer = wire.post(endpoint, signer.form(signer.assertion(aud=audience), token="x"))
            assert (answer.status == 200) is accepted, (endpoint, audience)
            assert wire.rule(answer) == ("" if accepted else "audience")


def test_the_host_header_adds_no_audience(wire, client, signer):
    """PROTOCOL A-12."""
    evil = signer.form(signer.assertion(aud=f"http://evil.example{PATH}token"), **GRANT)
    assert wire.post("token", evil, HTTP_HOST="evil.example").error == "invalid_client"


# --- All reasons at once ----------------------------------------------------------------------------------------------


def explained(encoded: str) -> list[Rule]:
    found = assertion.explain(jws.read(encoded), client_id=CLIENT, keys=[OURS], policy=policy(), now=signer().clock.at)
    return [finding.rule for finding in found]


def test_a_client_that_is_being_built_can_read_all_that_is_wrong() -> None:
    """PROTOCOL A-12."""
    assert explained(signer().assertion()) == []
    nothing_right = signer(number=2).assertion(
        header={"typ": "at+jwt", "crit": []}, iss="x", sub="y", aud="z", exp=1, iat="now", nbf="then", jti=""
    )
    assert explained(nothing_right) == [
        Rule.TYP, Rule.CRITICAL_HEADER, Rule.SIGNATURE, Rule.ISSUER, Rule.SUBJECT, Rule.AUDIENCE, Rule.EXPIRED,
        Rule.ISSUED_AT, Rule.NOT_BEFORE, Rule.JTI,
    ]  # fmt: skip
