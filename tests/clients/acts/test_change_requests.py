"""Requests to change a client: the reviewer decides on what was read, and on nothing newer."""

import pytest

from audit.models import Entry
from clients.acts import client_requests, lifecycle, review
from clients.models import Client, Registration
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.clients.acts.test_client_requests import approve
from tests.support.factories import NOW, bram, by, client, content, lotte, noor, scope

pytestmark = pytest.mark.django_db


def test_a_change_request_changes_the_client_it_is_about():
    mine, _secret = client(scopes=(scope("address.read"),))
    asked = (scope("address.read"), scope("address.write"))
    change = client_requests.propose_change(
        client=mine,
        content=content(client_name="A better name", contact_email=lotte().email, scopes=asked),
        by=by(lotte()),
        now=NOW,
    )
    approve(change, defaults=[asked[0]])
    mine.refresh_from_db()
    assert mine.name == "A better name"
    assert {row.scope.name for row in mine.client_scopes.all()} == {"address.read", "address.write"}
    assert Client.objects.count() == 1


def asked_change(mine: Client, **facts: object) -> Registration:
    told = {"client_name": mine.name, "organisation": mine.organisation, "purpose": "Letters.", **facts}
    return client_requests.propose_change(client=mine, content=content(**told), by=by(lotte()), now=NOW)


def test_a_change_is_not_approved_when_the_client_changed_meanwhile():
    read, write = scope("address.read"), scope("address.write")
    mine, _secret = client(scopes=(read, write))
    seen = asked_change(mine, scopes=(read, write)).content_hash
    lifecycle.change_scopes(client=mine, scopes=[read], defaults=[read], reason="Case", by=by(bram()), now=NOW)
    with pytest.raises(Refusal, match=Code.REQUEST_CHANGED):
        approve(Registration.objects.get(), seen=seen)
    assert list(mine.scopes.all()) == [read]
    assert approve(Registration.objects.get()) == mine  # once the page says that the scope comes back


@pytest.mark.parametrize("fact", ["name", "organisation", "purpose"])
def test_what_a_change_would_replace_is_part_of_what_the_reviewer_saw(fact):
    mine, _secret = client()
    seen = asked_change(mine).content_hash
    Client.objects.filter(pk=mine.pk).update(**{fact: "Something else"})
    with pytest.raises(Refusal, match=Code.REQUEST_CHANGED):
        approve(Registration.objects.get(), seen=seen)


def test_a_new_default_scope_of_the_client_is_part_of_what_was_reviewed():
    mine, _secret = client(defaults=())
    seen = asked_change(mine).content_hash
    lifecycle.change_scopes(client=mine, scopes=[scope()], defaults=[scope()], reason="Case", by=by(bram()), now=NOW)
    with pytest.raises(Refusal, match=Code.REQUEST_CHANGED):
        approve(Registration.objects.get(), seen=seen)


def test_a_change_of_a_client_that_was_closed_can_only_be_rejected():
    mine, _secret = client()
    asked = asked_change(mine, client_name="A better name")
    seen = asked.content_hash
    lifecycle.close(client=mine, reason="Ended", by=by(bram()), now=NOW)
    with pytest.raises(Refusal, match=Code.REQUEST_CHANGED):
        approve(Registration.objects.get(), seen=seen)
    asked, told = Registration.objects.get(), {"message": "No.", "by": by(noor()), "now": NOW}
    for decide in (
        approve,
        lambda row: review.request_changes(registration=row, seen=row.content_hash, **told),
    ):
        with pytest.raises(Refusal, match=Code.CLIENT_OF_REQUEST_CLOSED):
            decide(Registration.objects.get())
    review.reject(registration=asked, seen=asked.content_hash, **told)
    mine.refresh_from_db()
    assert mine.name != "A better name"
    with pytest.raises(Refusal, match=Code.CLIENT_CLOSED):
        asked_change(mine)


def test_the_log_says_what_the_client_was_at_the_approval():
    mine, _secret = client()
    asked_change(mine, client_name="A better name")
    stale = Registration.objects.select_related("client").get()
    Client.objects.filter(pk=mine.pk).update(name="Meanwhile")
    approve(stale, seen=Registration.objects.get().content_hash)
    assert Entry.objects.get(action="registration.approved").changes["client_name"] == ["Meanwhile", "A better name"]


def test_one_open_change_request_per_client():
    mine, _secret = client()
    propose = {"client": mine, "content": content(), "by": by(lotte()), "now": NOW}
    client_requests.propose_change(**propose)
    with pytest.raises(Refusal, match=Code.REQUEST_OPEN_ALREADY):
        client_requests.propose_change(**propose)
