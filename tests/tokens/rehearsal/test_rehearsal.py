"""Rehearsal of a token request: the verdict is that of the token endpoint, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from clients.acts.credentials import client_secrets
from foundation import secret_format
from tests.support import factories
from tests.tokens.support import issuers
from tests.tokens.support.wire import Answer, Signer, Wire, basic
from tokens.models import AnonymousRefusal, JournalEntry, Token, UsedAssertion
from tokens.protocol.http import Request
from tokens.serving import rehearsal

GRANT = "grant_type=client_credentials"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def rehearsed(client, clock) -> Callable[..., list[str]]:
    def rules(
        body: str = GRANT, *, authorization: str = "", content_type: str = FORM, method: str = "POST"
    ) -> list[str]:
        headers = {"content-type": content_type} | ({"authorization": authorization} if authorization else {})
        request = Request(method, "/oauth/v2/token", "", headers, "", body.encode())
        now = datetime.fromtimestamp(clock(), UTC)
        return [found.rule.value for found in rehearsal.rehearse(request, client=client, now=now).findings]

    return rules


BODIES = {
    "good": GRANT,
    "another grant": "grant_type=password",
    "no grant": "scope=address.read",
    "a scope twice": f"{GRANT}&scope=address.read&scope=address.write",
    "an unknown scope": f"{GRANT}&scope=adress.read",
    "two scopes": f"{GRANT}&scope=address.read+address.write",
    "a broken escape": f"{GRANT}&scope=%zz",
}
AUTHORIZATIONS = {
    "none": lambda _id, _secret: "",
    "right": basic,
    "wrong": lambda id_, _secret: basic(id_, secret_format.generate()),
    "line end": lambda id_, secret: basic(id_, secret + "\n"),
    "no base64": lambda _id, _secret: "Basic !",
    "another scheme": lambda _id, secret: f"Bearer {secret}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("make", AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
def test_the_verdict_is_that_of_the_endpoint(wire: Wire, client, secret, rehearsed, body, make) -> None:
    authorization = make(client.client_id, secret)
    found = rehearsed(body, authorization=authorization)
    assert _told(wire, wire.post("token", body, authorization=authorization)) == found


def _told(wire: Wire, answer: Answer) -> list[str]:
    """Return the rule by which the authorization server refused, as its readers see it."""
    wire.write_behind()
    if answer.status == 200:
        return []
    number = answer.json["error_uri"].rpartition("/")[2]
    kept = JournalEntry.objects.filter(why=number) or AnonymousRefusal.objects.filter(why=number)
    return [kept.get().rule]


ASSERTIONS = {
    "good": {},
    "another audience": {"aud": "https://elsewhere.example"},
    "expired": {"iat": 1_700_000_000, "exp": 1_700_000_060},
    "another issuer": {"iss": "somebody"},
    "no jti": {"jti": None},
    "another kid": {"header": {"kid": "old"}},
}


@pytest.mark.parametrize("changes", ASSERTIONS.values(), ids=ASSERTIONS)
def test_the_verdict_on_an_assertion_is_that_of_the_endpoint(wire: Wire, signer: Signer, rehearsed, changes) -> None:
    body = urlencode(signer.form(signer.assertion(**changes), grant_type="client_credentials"))
    found = rehearsed(body)
    assert _told(wire, wire.post("token", body)) == found


def test_the_verdict_on_the_token_of_an_issuer_is_that_of_the_endpoint(wire: Wire, client, clock, rehearsed) -> None:
    """PROTOCOL F-32."""
    platform = issuers.github(clock)
    platform.trust(client)
    for changes in ({}, {"sub": "repo:else/where"}, {"aud": "x"}):
        body = urlencode(issuers.form(client, platform.token(**changes)))
        found = rehearsed(body)
        assert _told(wire, wire.post("token", body)) == found


def test_all_faults_of_an_assertion_are_told_and_those_of_the_request(signer: Signer, rehearsed) -> None:
    form = signer.form(signer.assertion(aud="x", jti=None), grant_type="password")
    assert rehearsed(urlencode(form)) == ["grant_type", "audience", "jti"]


def test_an_assertion_that_was_used_is_told(wire: Wire, signer: Signer, rehearsed) -> None:
    body = urlencode(signer.form(grant_type="client_credentials"))
    assert wire.post("token", body).status == 200
    assert rehearsed(body) == ["replayed"]


def test_nothing_is_written(wire: Wire, client, secret, signer: Signer, rehearsed) -> None:
    wire.write_behind()
    rehearsed(authorization=basic(client.client_id, secret))
    rehearsed(authorization=basic(client.client_id, "wrong"))
    rehearsed(urlencode(signer.form(grant_type="client_credentials")))
    assert not Token.objects.exists()
    assert not UsedAssertion.objects.exists()
    assert not JournalEntry.objects.exists()


def test_a_client_that_is_suspended_and_a_method_that_is_wrong_are_told(client, authorization, rehearsed) -> None:
    assert rehearsed(authorization=authorization, method="GET") == ["method"]
    assert rehearsed("{}", content_type="application/json") == ["content_type"]
    type(client).objects.filter(pk=client.pk).update(status="suspended")
    assert rehearsed(authorization=authorization) == ["client_not_active"]


# --- Hidden secrets ---------------------------------------------------------------------------------------------------


def masked(secret: str) -> str:
    return secret[:4] + "*" * (len(secret) - 8) + secret[-4:]


def test_a_hidden_secret_counts_as_the_one_that_it_looks_like(client, secret, rehearsed) -> None:
    def told(sent: str) -> list[str]:
        return rehearsed(authorization=basic(client.client_id, sent))

    assert told(masked(secret)) == []
    assert told("*" * 8) == []  # a variable of the shell
    assert told(masked(secret[:-4] + "AAAA" if secret[-4:] != "AAAA" else secret[:-4] + "BBBB")) == ["secret_wrong"]
    assert told(masked(secret)[:-5]) == ["secret_wrong"]


@pytest.mark.parametrize(("around", "slip"), [("{}\n", "line_end"), ("{} ", "blank"), ("'{}'", "quote")])
def test_a_slip_around_a_hidden_secret_is_still_told(client, secret, clock, around, slip) -> None:
    headers = {"content-type": FORM, "authorization": basic(client.client_id, around.format(masked(secret)))}
    request = Request("POST", "/oauth/v2/token", "", headers, "", GRANT.encode())
    (found,) = rehearsal.rehearse(request, client=client, now=datetime.fromtimestamp(clock(), UTC)).findings
    assert found.facts["slip"] == slip


def test_no_character_of_a_hidden_secret_is_said_to_be_wrong(client, secret, clock) -> None:
    """The checksum of asterisks never fits."""
    other = masked(secret_format.generate())
    headers = {"content-type": FORM, "authorization": basic(client.client_id, other)}
    request = Request("POST", "/oauth/v2/token", "", headers, "", GRANT.encode())
    (found,) = rehearsal.rehearse(request, client=client, now=datetime.fromtimestamp(clock(), UTC)).findings
    assert found.facts["slip"] == "other"


def test_a_hidden_secret_that_was_replaced_is_told_as_that(client, secret, rehearsed) -> None:
    current = client.secrets.current().get()
    client_secrets.regenerate(
        client=client, replaces=current, overlap=timedelta(0), by=factories.SYSTEM, now=factories.NOW
    )
    assert rehearsed(authorization=basic(client.client_id, masked(secret))) == ["secret_ended"]
    assert rehearsed(authorization=basic(client.client_id, "*" * 8)) == []
