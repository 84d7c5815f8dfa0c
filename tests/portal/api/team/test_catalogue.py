"""API M-7 and M-13: APIs and scopes, as the Security team's programs read and keep them."""

from __future__ import annotations

import pytest

from audit.models import Entry
from clients.models import Api, Proposal, Scope
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import noor

pytestmark = pytest.mark.django_db
WHY = {"reason": "Case 4711"}
PARCELS = {"identifier": "parcels", "name": "Parcels", "description": {"en": "Who owns what", "nl": "Percelen"}, **WHY}


@pytest.fixture
def call(calls):
    return calls("keydesk.catalogue.read", "keydesk.catalogue.write")


def patch(call, path, **body):
    return call("PATCH", path, WHY | body, **{"If-Match": call("GET", path)["ETag"]})


def retire(call, scope):
    path = f"scopes/{scope.pk}"
    return call("POST", f"{path}/retire", WHY, **{"If-Match": call("GET", path)["ETag"]})


def last():
    entry = Entry.objects.first()
    return entry.action, entry.actor_id, entry.note


def test_an_api_and_a_scope_are_added_and_read(call):
    answer = call("POST", "apis", PARCELS)
    assert (answer.status_code, answer.json()) == (201, call("GET", "apis/parcels").json())
    assert answer["ETag"] == f'"{answer.json()["etag"]}"'
    assert last() == ("api.created", call.client.audit_id, "Case 4711")
    new = {"name": "parcel.read", "api": "parcels", "description": {"en": "Read"}, "sensitive": True, **WHY}
    scope = call("POST", "scopes", new)
    assert (scope.status_code, scope.json()["sensitive"], scope.json()["needs_legal_basis"]) == (201, True, False)
    assert last() == ("scope.created", call.client.audit_id, "Case 4711")
    assert call("GET", "scopes?api=parcels").json()["items"] == [scope.json()]
    assert call("GET", "scopes?name=parcel.read").json()["items"] == [scope.json()]
    assert call("GET", "apis?limit=1").json()["items"] == [answer.json()]


def test_a_program_says_that_approvals_need_a_legal_basis(call):
    new = {"name": "parcel.read", "api": factories.api().identifier, "description": {"en": "Read"}, **WHY}
    made = call("POST", "scopes", new | {"needs_legal_basis": True}).json()
    assert made["needs_legal_basis"]
    path = f"scopes/{made['id']}"
    described = call("PATCH", path, WHY | {"description": {"en": "Read it"}}, **{"If-Match": f'"{made["etag"]}"'})
    assert described.json()["needs_legal_basis"], "what is not named stays"
    dropped = call("PATCH", path, WHY | {"needs_legal_basis": False}, **{"If-Match": described["ETag"]})
    assert not dropped.json()["needs_legal_basis"]
    assert Entry.objects.first().changes["needs_legal_basis"] == [True, False]


def test_what_there_is_cannot_be_added_again(call):
    call("POST", "apis", PARCELS)
    assert call("POST", "apis", PARCELS).json()["code"] == "api_exists"
    scope = {"name": factories.scope().name, "api": "parcels", "description": {"en": "Read"}, **WHY}
    assert call("POST", "scopes", scope).json()["code"] == "scope_exists"
    assert call("POST", "apis", PARCELS | {"identifier": "keydesk"}).json()["code"] == "name_reserved"
    assert call("POST", "scopes", scope | {"name": "keydesk.x"}).json()["code"] == "name_reserved"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("apis", PARCELS | {"identifier": "Water ways"}, "identifier"),
        ("apis", PARCELS | {"name": "\u202e"}, "name"),
        ("apis", PARCELS | {"description": {"nl": "Percelen"}}, "description"),
        ("apis", PARCELS | {"reason": "x"}, "reason"),
        ("scopes", {"name": "a b", "api": "addresses", "description": {"en": "x"}, **WHY}, "name"),
        ("scopes", {"name": "a.b", "api": "none", "description": {"en": "x"}, **WHY}, "api"),
        ("scopes", {"name": "a.b", "api": "keydesk", "description": {"en": "x"}, **WHY}, "api"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, path, body, field):
    factories.api()
    answer = call("POST", path, body)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


def test_an_api_changes_its_resource_servers_alone(call, made):
    call("POST", "apis", PARCELS)
    answer = patch(call, "apis/parcels", served_by=[made.client_id])
    assert (answer.status_code, answer.json()["served_by"]) == (200, [made.client_id])
    assert (answer.json()["name"], answer.json()["description"]) == ("Parcels", PARCELS["description"])
    assert last() == ("api.changed", call.client.audit_id, "Case 4711")
    assert patch(call, "apis/parcels", served_by=["nobody"]).status_code == 422
    assert call("GET", f"apis/{'no-such'}").status_code == 404


def test_a_change_needs_the_state_that_was_read(call):
    scope = factories.scope()
    for path in (f"apis/{scope.api.identifier}", f"scopes/{scope.pk}"):
        assert call("PATCH", path, WHY).status_code == 428
        assert call("PATCH", path, WHY, **{"If-Match": '"x"'}).status_code == 412


def test_a_scope_is_marked_as_sensitive_at_once(call):
    scope = factories.scope()
    answer = patch(call, f"scopes/{scope.pk}", sensitive=True, description={"en": "New words"})
    assert (answer.status_code, answer.json()["sensitive"]) == (200, True)
    assert answer.json()["description"] == {"en": "New words"}
    assert last() == ("scope.changed", call.client.audit_id, "Case 4711")


def test_to_drop_the_second_approval_is_a_proposal_that_a_colleague_confirms(call):
    scope = factories.scope(sensitive=True)
    answer = patch(call, f"scopes/{scope.pk}", sensitive=False)
    assert (answer.status_code, answer.json()["kind"]) == (202, "scope_eased")
    assert call("GET", f"scopes/{scope.pk}").json()["sensitive"] is True
    page = answer.json()["page"].removeprefix("http://testserver")
    assert signed_in(noor()).post(page, {"act": "confirm", "reason": "Checked"}).status_code == 302
    assert call("GET", f"scopes/{scope.pk}").json()["sensitive"] is False
    assert Entry.objects.first().changes["proposed_by"] == [None, call.client.audit_label]


def test_dropping_it_comes_alone(call):
    scope = factories.scope(sensitive=True)
    answer = patch(call, f"scopes/{scope.pk}", sensitive=False, description={"en": "x"})
    assert (answer.status_code, Proposal.objects.exists()) == (422, False)


def test_a_scope_without_holders_is_retired_and_one_with_holders_is_a_proposal(call, made):
    unused = factories.scope("tax.read")
    answer = retire(call, unused)
    assert (answer.status_code, answer.json()["retired_at"] is None) == (200, False)
    assert last() == ("scope.retired", call.client.audit_id, "Case 4711")
    assert retire(call, unused).json()["code"] == "scope_retired_already"
    held = Scope.objects.get(name="address.read")
    answer = retire(call, held)
    assert (answer.status_code, answer.json()["kind"]) == (202, "scope_retired")
    held.refresh_from_db()
    assert held.retired_at is None


def test_a_scope_is_deprecated_withdrawn_and_with_holders_proposed(call, made):
    unused, successor = factories.scope("tax.read"), factories.scope("tax.read.v2")
    body = WHY | {"retires_at": "2999-01-01T00:00:00Z", "successor": successor.name}

    def post(scope, act, given):
        path = f"scopes/{scope.pk}"
        return call("POST", f"{path}/{act}", given, **{"If-Match": call("GET", path)["ETag"]})

    answer = post(unused, "deprecate", body)
    assert (answer.status_code, answer.json()["retires_at"]) == (200, "2999-01-01T00:00:00Z")
    assert (answer.json()["successor"], answer.json()["deprecation_reason"]) == ("tax.read.v2", "Case 4711")
    assert last() == ("scope.deprecated", call.client.audit_id, "Case 4711")
    assert post(unused, "deprecate", body).json()["code"] == "scope_deprecated_already"
    answer = post(unused, "withdraw-deprecation", WHY)
    assert (answer.status_code, answer.json()["retires_at"]) == (200, None)
    assert post(unused, "withdraw-deprecation", WHY).json()["code"] == "scope_not_deprecated"
    for wrong in ({"successor": "no.such"}, {"retires_at": "2999-01-01T00:00:00"}, {"retires_at": "soon"}):
        assert post(unused, "deprecate", body | wrong).status_code == 422
    assert post(unused, "deprecate", body | {"retires_at": "2020-01-01T00:00:00Z"}).status_code == 422
    answer = post(Scope.objects.get(name="address.read"), "deprecate", body)
    assert (answer.status_code, answer.json()["kind"]) == (202, "scope_deprecated")


def test_keydesks_own_api_is_told_and_cannot_be_changed(call):
    own = Api.objects.get(identifier="keydesk")
    assert call("GET", "apis/keydesk").json()["built_in"] is True
    assert patch(call, "apis/keydesk", name="Mine").json()["code"] == "built_in"
    scope = own.scopes.get(name="keydesk.clients.write")
    for answer in (
        patch(call, f"scopes/{scope.pk}", sensitive=False),
        patch(call, f"scopes/{scope.pk}", description={"en": "Mine"}),
        retire(call, scope),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "built_in")


@pytest.mark.parametrize("query", ["apis?limit=101", "apis?colour=red", "scopes?cursor=x", "scopes?q=x"])
def test_unknown_filters_are_refused(call, query):
    assert call("GET", query).status_code == 422
