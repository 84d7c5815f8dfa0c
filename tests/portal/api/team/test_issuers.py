"""API M-5, M-7 and M-13: issuers for the Security team's programs, which propose and never decide."""

from __future__ import annotations

import pytest

from clients.acts import proposals
from clients.models import Issuer, Proposal
from tests.support import factories
from tests.support.factories import bram, by
from tests.support.keys import jwk_of, new_ec

pytestmark = pytest.mark.django_db
NEW = {"name": "GitLab", "issuer": "https://gitlab.example", "reason": "Case 4711"}


@pytest.fixture
def call(calls):
    return calls("keydesk.catalogue.read", "keydesk.catalogue.write")


def listed(call) -> dict:
    (only,) = call("GET", "issuers").json()["items"]
    return only


def tagged(call) -> dict[str, str]:
    return {"If-Match": f'"{listed(call)["etag"]}"'}


def test_one_that_is_added_waits_for_a_person(call):
    answer = call("POST", "issuers", NEW)
    assert (answer.status_code, answer.json()["kind"], answer.json()["state"]) == (202, "issuer_enabled", "waiting")
    assert listed(call)["enabled"] is False
    proposals.confirm(proposal=Proposal.objects.get(), by=by(bram()), reason="Known", now=factories.timezone.now())
    shown = listed(call)
    assert (shown["enabled"], shown["issuer"], shown["trusted_by"]) == (True, "https://gitlab.example", 0)


def test_its_keys_can_come_along(call):
    jwks = {"keys": [jwk_of(new_ec(), kid="cluster")]}
    assert call("POST", "issuers", {**NEW, "jwks": jwks}).status_code == 202
    assert listed(call)["kids"] == ["cluster"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"issuer": "https://127.0.0.1"}, "address_not_public"),
        ({"issuer": "http://a.example"}, "address_not_https"),
        ({"jwks": {"keys": []}}, "key_set_unusable"),
        ({"audience": "a b"}, "audience_malformed"),
        ({"max_lifetime": 86_401}, "fields_invalid"),
        ({"other": 1}, "fields_invalid"),
    ],
)
def test_what_cannot_be_one_is_refused_and_nothing_is_kept(call, given, code):
    answer = call("POST", "issuers", {**NEW, **given})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not Issuer.objects.exists()
    assert not Proposal.objects.exists()


def test_a_change_is_proposed_with_what_was_left_out_as_it_is(call):
    factories.issuer(audience="api://own")
    uid = listed(call)["id"]
    answer = call("PATCH", f"issuers/{uid}", {"max_lifetime": 7200, "reason": "Case 4711"}, **tagged(call))
    assert (answer.status_code, answer.json()["changes"]["max_lifetime"]) == (202, [3600, 7200])
    proposals.confirm(proposal=Proposal.objects.get(), by=by(bram()), reason="Known", now=factories.timezone.now())
    assert (listed(call)["audience"], listed(call)["max_lifetime"]) == ("api://own", 7200)


def test_a_change_needs_the_present_state(call):
    issuer, body = factories.issuer(), {"max_lifetime": 7200, "reason": "Case 4711"}
    assert call("PATCH", f"issuers/{issuer.uid}", body).status_code == 428
    assert call("PATCH", f"issuers/{issuer.uid}", body, **{"If-Match": '"other"'}).status_code == 412
    same = {"max_lifetime": 3600, "reason": "Case 4711"}
    answer = call("PATCH", f"issuers/{issuer.uid}", same, **tagged(call))
    assert (answer.status_code, answer.json()["code"]) == (409, "issuer_unchanged")


def test_enabling_and_disabling_are_proposals(call):
    issuer, why = factories.issuer(), {"reason": "Case 4711"}
    assert call("POST", f"issuers/{issuer.uid}/enable", why, **tagged(call)).json()["code"] == "issuer_enabled_already"
    answer = call("POST", f"issuers/{issuer.uid}/disable", why, **tagged(call))
    assert (answer.status_code, answer.json()["kind"]) == (202, "issuer_disabled")
    again = call("POST", f"issuers/{issuer.uid}/disable", why, **tagged(call))
    assert (again.status_code, again.json()["code"]) == (409, "proposed_already")
    issuer.refresh_from_db()
    assert issuer.is_enabled
