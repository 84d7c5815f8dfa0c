"""API M-5, M-6, M-7 and M-13: what the Security team's programs do to clients."""

from __future__ import annotations

import pytest
from django.utils import timezone

from audit.models import Entry
from clients.actors import Actor
from clients.acts import lifecycle, proposals
from clients.acts.credentials import keys
from clients.models import Client, Mail, Proposal, Scope
from foundation import secret_format
from foundation.refusals import Refusal
from tests.portal.api.support.callers import token_for
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import by, lotte, noor
from tests.support.keys import public_key
from tokens.models import Token

pytestmark = pytest.mark.django_db
BECAUSE = {"reason": "Case 4711", "message": "Call us before Friday."}


@pytest.fixture
def call(calls):
    return calls("keydesk.clients.read", "keydesk.clients.write")


def etag(call, client):
    return call("GET", f"clients/{client.uid}")["ETag"]


def act(call, client, path, body=None, **headers):
    given = {"If-Match": etag(call, client)} | headers
    return call("POST", f"clients/{client.uid}/{path}", BECAUSE if body is None else body, **given)


def patch(call, client, **body):
    return call("PATCH", f"clients/{client.uid}", {"reason": "Case 4711", **body}, **{"If-Match": etag(call, client)})


def latest(count=1):
    return [(entry.action, entry.actor_id, entry.note) for entry in Entry.objects.all()[:count]]


def test_each_act_on_a_client_is_the_pages_with_one_entry_and_its_mail(call, made):
    before = Entry.objects.count()
    assert act(call, made, "suspend").json()["status"] == "suspended"
    assert act(call, made, "reactivate").json()["status"] == "active"
    answer = act(call, made, "close")
    assert answer.json()["status"] == "closed"
    assert answer["ETag"] == f'"{answer.json()["etag"]}"'
    program = call.client.audit_id
    assert Entry.objects.count() == before + 3
    assert latest(3) == [
        ("client.closed", program, "Case 4711"),
        ("client.reactivated", program, "Case 4711"),
        ("client.suspended", program, "Case 4711"),
    ]
    assert Entry.objects.first().actor_label.startswith(f"{call.client.name} ({call.client.client_id}), key ")
    mail = Mail.objects.filter(kind=Mail.Kind.CLIENT_SUSPENDED, client=made).get()
    assert (mail.facts["team"], mail.facts["message"]) == (True, BECAUSE["message"])
    assert "by" not in mail.facts


def test_tokens_are_invalidated(call, made):
    token_for(made)
    assert act(call, made, "tokens/invalidate").status_code == 204
    assert latest() == [("client.tokens_invalidated", call.client.audit_id, "Case 4711")]
    assert not Token.objects.of(made).live(timezone.now()).exists()


def test_a_key_and_a_secret_end_with_all_tokens_also_the_last_way_in(call, made):
    key = keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now())
    for path, row, listed in (
        (f"keys/{key.uid}/retire", key, "keys"),
        (f"secrets/{made.secrets.get().uid}/end", made.secrets.get(), "secrets"),
    ):
        token_for(made, made.secrets.get())
        (item,) = call("GET", f"clients/{made.uid}/{listed}").json()["items"]
        answer = call("POST", f"clients/{made.uid}/{path}", BECAUSE, **{"If-Match": f'"{item["etag"]}"'})
        assert (answer.status_code, answer.json()["id"]) == (200, str(row.uid))
        assert answer.json()["state"] in ("retired", "ended")
        assert latest() == [("incident.revoked", call.client.audit_id, "Case 4711")]
        assert not Token.objects.of(made).live(timezone.now()).exists()
    assert Client.objects.get(pk=made.pk).self_service == "paused"


def test_settings_change_alone_and_null_is_the_sites(call, made):
    answer = patch(call, made, rate_limit=50, self_service="off")
    assert (answer.status_code, answer.json()["settings"]["rate_limit"]) == (200, 50)
    assert answer.json()["settings"]["self_service"] == "off"
    assert answer.json()["settings"]["may_request_tokens"] is True
    assert latest() == [("client.settings_changed", call.client.audit_id, "Case 4711")]
    assert patch(call, made, rate_limit=None).json()["settings"]["rate_limit"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rate_limit": 0}, "rate_limit"),
        ({"token_lifetime": 59}, "token_lifetime"),
        ({"reason": " "}, "reason"),
        ({"reason": f"It had {secret_format.generate()}"}, "reason"),
        ({"colour": "red"}, "colour"),
        ({"self_service": "maybe"}, "self_service"),
        ({"scopes": [], "rate_limit": 5}, "scopes"),
        ({"scopes": ["no.such"]}, "scopes"),
        ({"default_scopes": ["tax.read"]}, "default_scopes"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(call, made, body, field):
    before = Entry.objects.count()
    answer = patch(call, made, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "fields_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert Entry.objects.count() == before


# --- Two people (API M-7) ---------------------------------------------------------------------------------------------


def test_a_scope_is_taken_away_at_once(call, made):
    both = (factories.scope(), factories.scope("tax.read"))
    lifecycle.change_scopes(client=made, scopes=both, defaults=both, by=factories.SYSTEM, now=timezone.now())
    answer = patch(call, made, scopes=["tax.read"])
    assert (answer.status_code, answer.json()["scopes"]) == (200, ["tax.read"])
    assert answer.json()["default_scopes"] == ["tax.read"]
    assert latest() == [("client.scopes_changed", call.client.audit_id, "Case 4711")]


def test_a_scope_more_is_a_proposal_that_a_colleague_confirms(call, made):
    factories.scope("tax.read", sensitive=True)
    answer = patch(call, made, scopes=["address.read", "tax.read"])
    assert answer.status_code == 202
    assert answer.json()["changes"]["scopes"] == ["address.read", "address.read tax.read"]
    assert call("GET", f"clients/{made.uid}").json()["scopes"] == ["address.read"]
    proposal = Proposal.objects.get()
    assert (str(proposal.uid), proposal.program) == (answer.json()["proposal"], call.client)
    assert latest() == [("proposal.made", call.client.audit_id, "Case 4711")]

    page = answer.json()["page"].removeprefix("http://testserver")
    browser = signed_in(noor())
    assert call.client.client_id in browser.get(page).text
    assert call.client.name in browser.get("/security/").text
    assert browser.post(page, {"act": "confirm", "reason": "Checked"}).status_code == 302
    assert call("GET", f"clients/{made.uid}").json()["scopes"] == ["address.read", "tax.read"]
    entry = Entry.objects.first()
    assert (entry.action, entry.actor_id) == ("client.scopes_changed", noor().audit_id)
    assert entry.changes["proposed_by"] == [None, call.client.audit_label]


def test_the_same_proposal_twice_is_refused(call, made):
    factories.scope("tax.read")
    assert patch(call, made, scopes=["tax.read"]).status_code == 202
    answer = patch(call, made, scopes=["tax.read"])
    assert (answer.status_code, answer.json()["code"]) == (409, "proposed_already")


def test_a_contact_of_the_program_confirms_none_of_its_proposals(call, made):
    factories.scope("tax.read")
    patch(call, made, scopes=["tax.read"])
    call.client.contacts.update(user=noor())
    with pytest.raises(Refusal, match="own_proposal"):
        proposals.confirm(proposal=Proposal.objects.get(), by=by(noor()), now=timezone.now())


def test_no_act_that_takes_two_is_done_by_a_program(made, calls):
    program = calls("keydesk.clients.write")
    actor = Actor(client=program.client, credential="key x", for_team=True)
    wanted = [factories.scope(), factories.scope("tax.read")]
    with pytest.raises(Refusal, match="needs_colleague"):
        lifecycle.change_scopes(client=made, scopes=wanted, defaults=[], reason="x", by=actor, now=timezone.now())
    with pytest.raises(Refusal, match="reason_missing"):
        lifecycle.suspend(client=made, reason="", by=actor, now=timezone.now())


# --- If-Match (API M-5) -----------------------------------------------------------------------------------------------

ACTS = ("suspend", "reactivate", "close", "tokens/invalidate")


@pytest.mark.parametrize("path", ACTS)
def test_an_act_needs_the_state_that_was_read(call, made, path):
    url, stale = f"clients/{made.uid}/{path}", etag(call, made)
    assert call("POST", url, BECAUSE).json()["code"] == "if_match_missing"
    Client.objects.filter(pk=made.pk).update(rate_limit=7)
    answer = call("POST", url, BECAUSE, **{"If-Match": stale})
    assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
    assert Client.objects.get(pk=made.pk).status == "active"


def test_an_asterisk_is_any_state(call, made):
    answer = call("POST", f"clients/{made.uid}/suspend", BECAUSE, **{"If-Match": "*"})
    assert answer.json()["status"] == "suspended"


def test_what_the_state_does_not_allow_is_a_conflict(call, made):
    answer = act(call, made, "reactivate")
    assert (answer.status_code, answer.json()["code"]) == (409, "client_changed")
    act(call, made, "close")
    answer = patch(call, made, rate_limit=5)
    assert (answer.status_code, answer.json()["code"]) == (409, "client_closed")


def test_another_clients_key_is_not_found_under_this_one(call, made):
    other, _secret = factories.client(contact=factories.wim())
    key = keys.add(client=other, key=public_key(), by=by(lotte()), now=timezone.now())
    answer = call("POST", f"clients/{made.uid}/keys/{key.uid}/retire", BECAUSE, **{"If-Match": "*"})
    assert answer.status_code == 404


def test_contacts_read_that_the_security_team_acted(call, made):
    act(call, made, "suspend")
    page = browsers.of(lotte()).get(f"/clients/{made.uid}/history/").text
    assert "The Security team suspended" in page
    assert call.client.name not in page
    assert "Case 4711" not in page


def test_keydesks_own_scopes_are_given_like_all_others(call, made):
    assert Scope.objects.get(name="keydesk.changes.read").sensitive is False
    assert patch(call, made, scopes=["address.read", "keydesk.changes.read"]).status_code == 202
