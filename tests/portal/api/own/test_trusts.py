"""API M-8 to M-10: a client sees, names, extends and removes its trusts; it adds one with a token that it accepts."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts.credentials import trusts
from clients.mail import targets
from clients.models import Client, Issuer, Mail, Trust
from tests.portal.api.support.callers import caller
from tests.support.factories import by, lotte
from tests.tokens.support.issuers import FixtureIssuer, github

pytestmark = pytest.mark.django_db
OURS = "http://testserver"


@pytest.fixture
def platform() -> FixtureIssuer:
    return github(time.time)


@pytest.fixture
def issuer(platform) -> Issuer:
    row = platform.register()
    Issuer.objects.update(keys_fetched_at=timezone.now())
    row.refresh_from_db()
    return row


@pytest.fixture
def trust(made: Client, issuer: Issuer, platform: FixtureIssuer, now) -> Trust:
    """A trust that a contact added."""
    return trusts.add(
        client=made, issuer=issuer, subject=platform.subject, claims=platform.pinned, by=by(lotte()), now=now
    )


def test_a_trust_is_listed_with_the_other_credentials(call, made, trust):
    shown = {each["type"]: each for each in call("GET", "self").json()["credentials"]}
    assert set(shown) == {"secret", "trust"}
    assert (shown["trust"]["id"], shown["trust"]["state"], shown["trust"]["kid"]) == (str(trust.uid), "active", None)


def test_an_address_of_keys_is_listed_once_it_is_followed(call, made, now):
    made.jwks_uris.create(url="https://keys.example/jwks", added_at=now, added_by="Lotte", confirmed_at=now)
    made.jwks_uris.create(url="https://old.example/jwks", added_at=now, added_by="Lotte", ends_at=now)
    assert [each["type"] for each in call("GET", "self").json()["credentials"]] == ["secret", "jwks_uri"]


def test_a_trust_gets_a_label_and_is_removed_with_its_tokens(call, made, trust):
    path = f"self/trusts/{trust.uid}"
    assert call("PATCH", path, {"label": "x"}).json()["code"] == "if_match_missing"
    changed = call("PATCH", path, {"label": "Deployment"}, **{"If-Match": call("GET", path)["ETag"]})
    assert (changed.status_code, changed.json()["label"]) == (200, "Deployment")
    got_by_it = caller(made, credential=trust)
    assert call("DELETE", path, **{"If-Match": changed["ETag"]}).status_code == 204
    assert call("GET", path).json()["state"] == "ended"
    assert got_by_it("GET", "self").status_code == 401
    assert Entry.objects.get(action="trust.removed").actor_id == f"client:{made.uid}"


def test_a_trust_ends_after_an_overlap_and_never_later_than_before(call, made, trust):
    """API M-10."""
    path, got_by_it = f"self/trusts/{trust.uid}", caller(made, credential=trust)

    def remove(overlap: int) -> int:
        return call("DELETE", f"{path}?overlap={overlap}", **{"If-Match": call("GET", path)["ETag"]}).status_code

    assert remove(31 * 86_400) == 422
    began = timezone.now()
    assert remove(3600) == 204
    trust.refresh_from_db()
    assert timedelta(minutes=59) < trust.ends_at - began < timedelta(minutes=61)
    assert call("GET", path).json()["state"] == "active"
    assert got_by_it("GET", "self").status_code == 200
    assert remove(7200) == 409
    assert remove(0) == 204
    assert got_by_it("GET", "self").status_code == 401
    (first, second) = Entry.objects.filter(action="trust.removed").order_by("seq")
    assert first.changes["ends_at"][1] == second.changes["ends_at"][0]


def test_its_end_is_told_with_the_reason(call, trust):
    """API M-8."""
    body = call("GET", "self").json()
    shown = next(each for each in body["credentials"] if each["type"] == "trust")
    assert [end for end in body["policy"]["ends"] if end["id"] == str(trust.uid)] == [
        {"id": str(trust.uid), "at": shown["ends_at"], "why": "max_age"}
    ]
    assert datetime.fromisoformat(shown["ends_at"]) == trust.expires_at


def test_a_trust_near_its_end_is_extended_as_who_it_was_read(call, made, trust, now):
    path = f"self/trusts/{trust.uid}"
    tag = {"If-Match": call("GET", path)["ETag"]}
    early = call("POST", f"{path}/extend", {}, **tag)
    assert (early.status_code, early.json()["code"]) == (409, "trust_not_near_its_end")
    Trust.objects.update(expires_at=now + timedelta(days=3))
    assert call("POST", f"{path}/extend", {}).json()["code"] == "if_match_missing"
    assert call("POST", f"{path}/extend", {}, **tag).status_code == 412
    answer = call("POST", f"{path}/extend", {}, **{"If-Match": call("GET", path)["ETag"]})
    assert answer.status_code == 200, answer.text
    trust.refresh_from_db()
    assert abs(datetime.fromisoformat(answer.json()["ends_at"]) - trust.expires_at) < timedelta(milliseconds=1)
    assert trust.expires_at > now + timedelta(days=700)
    assert Entry.objects.get(action="trust.extended").actor_id == f"client:{made.uid}"
    mail = Mail.objects.get(facts__action="trust.extended")
    assert targets.of(mail) == reverse("contact:end_added", args=[made.uid, trust.uid])


def test_the_last_way_in_stays(made, trust):
    Client.objects.filter(pk=made.pk).update(secret_allowed=False)
    call, path = caller(made, credential=trust), f"self/trusts/{trust.uid}"
    answer = call("DELETE", path, **{"If-Match": call("GET", path)["ETag"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")


# --- Add one ----------------------------------------------------------------------------------------------------------


def body_of(platform: FixtureIssuer, trusted: Issuer, **changes):
    sample = platform.token(aud=OURS)
    return {
        "issuer": trusted.name, "subject": platform.subject, "claims": platform.pinned, "sample": sample, **changes,
    }  # fmt: skip


def test_a_trust_is_added_with_a_token_that_it_would_accept(call, made, issuer, platform):
    answer = call("POST", "self/trusts", body_of(platform, issuer, label="Deployment"))
    assert answer.status_code == 201, answer.text
    row = made.trusts.get()
    assert (answer.json()["id"], answer.json()["label"], row.claims) == (str(row.uid), "Deployment", platform.pinned)
    assert Entry.objects.get(action="trust.added").actor_id == f"client:{made.uid}"
    mail = Mail.objects.get(facts__action="trust.added")
    assert targets.of(mail) == reverse("contact:end_added", args=[made.uid, row.uid])


@pytest.mark.parametrize(
    ("changes", "findings"),
    [
        ({"sample": None}, None),
        ({"subject": "repo:leiestroom/other:environment:production"}, ["federated_subject"]),
        ({"claims": {"repository_id": "1"}}, ["federated_claim"]),
        ({"sample": "x.y.z"}, ["assertion_form"]),
    ],
)
def test_without_such_a_token_nothing_is_added(call, made, issuer, platform, changes, findings):
    answer = call("POST", "self/trusts", body_of(platform, issuer, **changes))
    assert (answer.status_code, answer.json()["code"]) == (422, "proof_missing")
    assert answer.json()["facts"].get("findings") == findings
    assert not made.trusts.exists()
    assert not Mail.objects.filter(facts__action="trust.added").exists()


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"issuer": "Nobody"}, 422, "fields_invalid"),
        ({"subject": "repo:leiestroom/*"}, 422, "trust_wildcard"),
        ({"claims": {"exp": 1}}, 422, "trust_claim_changes"),
    ],
)
def test_what_no_trust_may_say_is_refused(call, made, issuer, platform, changes, status, code):
    answer = call("POST", "self/trusts", body_of(platform, issuer, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_paused_client_adds_no_trust(call, made, issuer, platform):
    Client.objects.filter(pk=made.pk).update(self_service="paused")
    answer = call("POST", "self/trusts", body_of(platform, issuer))
    assert (answer.status_code, answer.json()["code"]) == (403, "self_service_off")
