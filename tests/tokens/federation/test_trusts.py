"""Acts on trusts (PROTOCOL F-32 and F-34): what may be trusted, and what ends with a trust."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from audit.models import Entry
from clients.actors import Actor
from clients.acts import lifecycle
from clients.acts.credentials import client_secrets, keys, trusts
from clients.mail import outbox
from clients.models import Client, Issuer, Mail, Trust
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.support.parallel import at_once
from tests.tokens.conftest import add_key
from tests.tokens.federation.conftest import SUBJECT
from tests.tokens.support.checking import key
from tests.tokens.support.issuers import form, github
from tokens.acts import incident, invalidation
from tokens.acts.federation import trusts as removal
from tokens.acts.leaks import Leak, Traces
from tokens.models import Token
from tokens.protocol import jws

PINS = {"repository_id": "742213905", "repository_owner_id": "65123"}


@pytest.fixture
def issuer(clock, transactional_db) -> Issuer:
    return github(clock).register()


def add(client: Client, issuer: Issuer, **changes: Any) -> Trust:
    given = {"subject": SUBJECT, "claims": PINS, "by": SYSTEM, "now": NOW, **changes}
    return trusts.add(client=client, issuer=issuer, **given)


def refusal_of(act: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(Refusal) as refused:
        act(*args, **kwargs)
    return str(refused.value.code)


# --- What may be trusted ----------------------------------------------------------------------------------------------


def test_a_trust_is_logged_mailed_and_works_at_once(client, issuer, wire, clock):
    """Told to everybody, and effective from its commit."""
    lotte = factories.lotte()
    trust = add(client, issuer, by=Actor(user=lotte, address="192.0.2.7"), label="deploy")
    entry = Entry.objects.get(action="trust.added")
    assert (entry.subject_id, entry.client_ref) == (f"trust:{trust.uid}", str(client.uid))
    assert entry.changes == {
        "issuer": [None, issuer.url],
        "subject": [None, SUBJECT],
        "claims": [None, ["repository_id=742213905", "repository_owner_id=65123"]],
        "label": [None, "deploy"],
    }
    queued = Mail.objects.filter(client=client, facts__action="trust.added")
    assert queued.count() == client.contacts.count() == 1
    outbox.deliver(mail_id=queued.get().pk, now=NOW)
    assert mail.outbox[-1].subject == f"{client.name}: new trust added"
    assert wire.post("token", form(client, github(clock).token())).status == 200


SUBJECTS = [
    "",
    " ",
    " a",
    "a ",
    "a\n",
    "a\0",
    "x" * 513,
    "repo:leiestroom/*",
    "*",
    "repo:*/x:ref",
    "a\N{RIGHT-TO-LEFT OVERRIDE}",
]


@pytest.mark.parametrize("subject", SUBJECTS, ids=repr)
def test_a_subject_that_means_more_or_less_than_it_says_is_refused(client, issuer, subject):
    """PROTOCOL F-32: no wildcards, no blanks around it."""
    expected = Code.TRUST_WILDCARD if "*" in subject else Code.TRUST_SUBJECT
    assert refusal_of(add, client, issuer, subject=subject) == expected


CLAIMS: list[tuple[Code, dict[str, Any]]] = [
    (Code.TRUST_WILDCARD, {"ref": "refs/heads/*"}),
    (Code.TRUST_WILDCARD, {"groups": ["a", "*"]}),
    (Code.TRUST_WILDCARD, {"a": {"b": "*"}}),
    (Code.TRUST_WILDCARD, {"a": {"*": 1}}),
    (Code.TRUST_CLAIM_CHANGES, {"exp": 1}),
    (Code.TRUST_CLAIM_CHANGES, {"iat": 1}),
    (Code.TRUST_CLAIM_CHANGES, {"nbf": 1}),
    (Code.TRUST_CLAIM_CHANGES, {"jti": "x"}),
    (Code.TRUST_CLAIM_CHANGES, {"aud": "x"}),
    (Code.TRUST_CLAIM_CHANGES, {"/aud": "x"}),
    (Code.TRUST_CLAIM_CHANGES, {"/aud/0": "x"}),
    (Code.TRUST_CLAIM_IN_ARRAY, {"/groups/0": "x"}),
    (Code.TRUST_CLAIM_IN_ARRAY, {"/groups/-": "x"}),
    (Code.TRUST_CLAIM_IN_ARRAY, {"/a/12/b": "x"}),
    (Code.TRUST_CLAIM_NAME, {"": "x"}),
    (Code.TRUST_CLAIM_NAME, {"a\nb": "x"}),
    (Code.TRUST_CLAIM_NAME, {"x" * 257: "x"}),
    (Code.TRUST_CLAIM_NAME, {"/a~2b": "x"}),
    (Code.TRUST_CLAIM_NAME, {"/a~": "x"}),
    (Code.TRUST_CLAIM_VALUE, {"a": "x\0y"}),
    (Code.TRUST_CLAIM_VALUE, {"a": "\ud800"}),
    (Code.TRUST_CLAIM_VALUE, {"a": float("nan")}),
    (Code.TRUST_CLAIM_VALUE, {"a": "x" * 1025}),
    (Code.TRUST_CLAIM_VALUE, {"a": [[[[[[[[[1]]]]]]]]]}),
    (Code.TRUST_CLAIMS_TOO_MANY, {f"claim{n}": 1 for n in range(21)}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "claims"), CLAIMS, ids=lambda value: repr(value)[:40])
def test_a_claim_that_cannot_be_compared_is_refused(code, claims):
    """PROTOCOL F-32."""
    assert refusal_of(trusts.check, subject=SUBJECT, claims=claims) == code


GOOD: list[Any] = ["a", "", 1, 1.5, True, False, None, [1, "a"], {"a": [True]}, "é", "🙂"]


def test_each_json_value_can_be_pinned_and_is_compared_after_storage(client, issuer, wire, clock):
    """PROTOCOL F-32: a pin is as it was given, also out of the database."""
    claims = {f"claim{n}": value for n, value in enumerate(GOOD)}
    add(client, issuer, claims=claims)
    payload = github(clock).content() | claims
    assert wire.post("token", form(client, github(clock).token(payload=json.dumps(payload).encode()))).status == 200


def test_the_same_trust_twice_is_refused_and_another_claim_is_another_trust(client, issuer):
    add(client, issuer)
    assert refusal_of(add, client, issuer) == Code.TRUST_EXISTS
    assert refusal_of(add, client, issuer, claims=dict(reversed(PINS.items()))) == Code.TRUST_EXISTS
    add(client, issuer, claims={**PINS, "ref": "refs/heads/main"})


def test_an_issuer_that_is_disabled_cannot_be_trusted(client, issuer):
    Issuer.objects.update(disabled_at=NOW)
    assert refusal_of(add, client, issuer) == Code.ISSUER_NOT_ENABLED


def test_a_client_has_a_bounded_number_of_trusts(client, issuer):
    for number in range(trusts.MAX_TRUSTS):
        add(client, issuer, subject=f"{SUBJECT}{number}")
    assert refusal_of(add, client, issuer) == Code.TOO_MANY_TRUSTS


def test_after_an_incident_a_client_adds_no_trust_by_itself(client, issuer):
    """API M-12."""
    client.pause_self_service()
    assert refusal_of(add, client, issuer, by=Actor(client=client, credential="k1")) == Code.SELF_SERVICE_OFF


WARNINGS: list[tuple[str, dict[str, Any], list[str]]] = [
    (SUBJECT, PINS, []),
    (SUBJECT, {}, ["repository_without_ids"]),
    (SUBJECT, {"repository_id": "1"}, ["repository_without_ids"]),
    ("repo:leiestroom/facturen:pull_request", PINS, ["pull_requests"]),
    ("repo:leiestroom@65123/facturen@742213905:ref:refs/heads/main", {}, []),
    ("project_path:leiestroom/facturen:ref_type:branch:ref:main", {}, ["project_without_ids"]),
    ("project_path:leiestroom/facturen:ref_type:branch:ref:main", {"project_id": "20", "namespace_id": "72"}, []),
    ("system:serviceaccount:leiestroom:facturen", {"/kubernetes.io/serviceaccount/uid": "1"}, []),
    ("system:serviceaccount:leiestroom:facturen", {}, ["service_account_without_uid"]),
    ("system:serviceaccount:leiestroom:default", {}, ["default_service_account", "service_account_without_uid"]),
    ("spiffe://example.org/facturen", {}, []),
]


@pytest.mark.parametrize(("subject", "claims", "told"), WARNINGS, ids=lambda value: repr(value)[:50])
def test_names_that_can_be_taken_over_are_told(client, issuer, subject, claims, told):
    """Told to everybody, and effective from its commit."""
    assert trusts.warnings(client=client, issuer=issuer, subject=subject, claims=claims) == told


def test_a_subject_that_another_client_trusts_is_told(client, issuer):
    """PROTOCOL F-32: client_id decides, and the page warns."""
    stranger, _secret = factories.client(contact=factories.wim())
    add(stranger, issuer)
    given = {"issuer": issuer, "subject": SUBJECT, "claims": PINS}
    assert trusts.warnings(client=client, **given) == ["shared_subject"]
    assert trusts.warnings(client=stranger, **given) == []


# --- What ends with a trust -------------------------------------------------------------------------------------------


def test_a_removed_trust_ends_its_tokens_and_is_logged_once(client, issuer, wire, clock, authorization):
    """PROTOCOL F-34."""
    trust = add(client, issuer)
    token = wire.post("token", form(client, github(clock).token())).json["access_token"]
    other = wire.token(authorization).json["access_token"]
    removal.remove(trust=trust, by=SYSTEM, now=NOW)
    assert wire.introspect(token, authorization).json == {"active": False}
    assert wire.introspect(other, authorization).json["active"] is True
    assert Token.objects.get(credential=trust.credential).revoked_at == NOW
    assert wire.post("token", form(client, github(clock).token())).error == "invalid_client"
    assert refusal_of(removal.remove, trust=trust, by=SYSTEM, now=NOW) == Code.TRUST_REMOVED_ALREADY
    assert Entry.objects.filter(action="trust.removed").count() == 1


def test_a_trust_counts_as_a_way_in_like_a_key(client, issuer, secret):
    """The last way in stays; a trust is one, unless its issuer is disabled."""
    trust = add(client, issuer)
    client_secrets.set_allowed(client=client, allowed=False, by=SYSTEM, now=NOW)
    assert refusal_of(removal.remove, trust=trust, by=SYSTEM, now=NOW) == Code.LAST_TRUST
    row = add_key(client, key("P-256", 9))
    keys.retire(key=row, overlap=timedelta(0), by=SYSTEM, now=NOW)
    row = add_key(client, key("P-256", 10))
    Issuer.objects.update(disabled_at=NOW)
    assert refusal_of(keys.retire, key=row, overlap=timedelta(0), by=SYSTEM, now=NOW) == Code.LAST_KEY


def test_the_last_secret_may_go_where_a_trust_works(client, issuer, secret):
    current = client.secrets.current().get()
    assert refusal_of(client_secrets.end, secret=current, by=SYSTEM, now=NOW) == Code.LAST_SECRET
    add(client, issuer)
    client_secrets.end(secret=current, by=SYSTEM, now=NOW)


def test_a_closed_client_trusts_nobody(client, issuer):
    add(client, issuer)
    lifecycle.close(client=client, reason="", by=SYSTEM, now=NOW)
    assert Trust.objects.get().ends_at == NOW


def test_the_tokens_of_a_trust_can_be_invalidated_alone(client, issuer, wire, clock, authorization):
    trust = add(client, issuer)
    token = wire.post("token", form(client, github(clock).token())).json["access_token"]
    invalidation.invalidate_issued_to(credential=trust, by=SYSTEM, now=NOW)
    assert wire.introspect(token, authorization).json == {"active": False}
    assert wire.post("token", form(client, github(clock).token())).status == 200


# --- A leaked token of an issuer --------------------------------------------------------------------------------------


def test_a_leaked_token_leads_to_the_trusts_that_it_speaks_for(client, issuer, clock):
    trust = add(client, issuer)
    add(client, issuer, claims={**PINS, "ref": "refs/heads/other"})
    leaked = Traces(assertion=jws.read(github(clock).token()))
    assert [leak.subject for leak in incident.look_up(traces=leaked, by=SYSTEM, now=NOW)] == [trust]
    named = incident.look_up(traces=Traces(name=SUBJECT), by=SYSTEM, now=NOW)
    assert len(named) == 2


def test_a_leaked_trust_is_revoked_with_all_tokens_and_pauses_self_service(client, issuer, wire, clock, authorization):
    """API M-12. It ends even if it is the only way in."""
    trust = add(client, issuer)
    token = wire.token(authorization).json["access_token"]
    client_secrets.set_allowed(client=client, allowed=False, by=SYSTEM, now=NOW)
    leak = incident.by_reference(f"trust:{trust.uid}")
    assert leak == Leak(trust)
    assert (leak.works(NOW), leak.can_be_revoked(NOW), leak.is_only_way(NOW)) == (True, True, True)
    incident.revoke(leak=leak, by=SYSTEM, now=NOW)
    assert wire.send("GET", "verify", authorization=f"Bearer {token}").status == 401
    client.refresh_from_db()
    assert client.self_service == Client.SelfService.PAUSED
    trust.refresh_from_db()
    assert refusal_of(incident.revoke, leak=Leak(trust), by=SYSTEM, now=NOW) == "leaked_trust_stopped_already"


# --- Races ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["remove", "disable"])
def test_no_token_survives_a_race_with_the_end_of_its_trust(client, issuer, wire, clock, authorization, way):
    """PROTOCOL F-34: of requests beside the removal or the disabling, no token is active afterwards."""
    trust = add(client, issuer)
    jwt = github(clock).token()

    def ask() -> str:
        return str(wire.post("token", form(client, jwt)).json.get("access_token", ""))

    def end() -> str:
        if way == "remove":
            removal.remove(trust=trust, by=SYSTEM, now=NOW)
        else:
            Issuer.objects.update(disabled_at=NOW)
        return ""

    answers = at_once(13, lambda number: end() if number == 6 else ask())
    assert ask() == ""
    for token in filter(None, answers):
        assert wire.introspect(token, authorization).json == {"active": False}
