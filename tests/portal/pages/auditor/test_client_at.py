"""The past of one client, told by the change log: what it was on a day."""

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts import api_callers, catalogue, client_requests, lifecycle, review
from clients.acts.people import contacts
from clients.models import ClientContact
from portal.pages.auditor.client_history import as_it_was
from tests.portal.pages.auditor.test_change_log import suspended
from tests.portal.support.staff import signed_in
from tests.support import factories
from tokens.acts.federation import trusts

pytestmark = pytest.mark.django_db


def past(client, **query: str):
    return signed_in(factories.ada()).get(reverse("auditor:client_at", args=[client.uid]), query)


def test_a_client_is_shown_as_it_was_on_a_day(now) -> None:
    client = suspended(now)
    lifecycle.reactivate(client=client, reason="Fine again", by=factories.SYSTEM, now=now)
    facts = {str(label): text for label, text in past(client).context["past"].rows()}
    assert facts["State"] == "Active"
    assert facts["Scopes"] == "address.read"
    assert "There was no such client yet" in past(client, on="2020-01-01").content.decode()


def test_a_client_that_came_by_a_request_is_shown_with_what_was_granted(now) -> None:
    nrn, plain = factories.scope("nrn"), factories.scope()
    asked = factories.submitted_request(now, scopes=(nrn, plain))
    client = review.approve(
        registration=asked, scopes=[plain], defaults=[plain], message="Not nrn", seen=asked.content_hash,
        by=factories.by(factories.noor()), now=now,
    )  # fmt: skip
    told = past(client).context["past"]
    assert {str(label): text for label, text in told.rows()} == {
        "State": "Active", "Name of the client": client.name, "Organisation": "Rekenhuis bv", "Scopes": "address.read",
        "Default scopes": "address.read", "Client id": client.client_id, "What it does": client.purpose,
    }  # fmt: skip
    assert told.contacts == {"Wim Goossens <wim@rekenhuis.example>": "owner"}


def test_an_approved_change_is_in_the_log_as_before_and_after(now) -> None:
    client, _secret = factories.client()
    asked = client_requests.propose_change(
        client=client, content=factories.content(client_name="New name", scopes=(factories.scope("nrn"),)),
        by=factories.by(factories.lotte()), now=now,
    )  # fmt: skip
    review.approve(
        registration=asked, scopes=[factories.scope("nrn")], defaults=[], seen=asked.content_hash,
        by=factories.by(factories.noor()), now=now,
    )  # fmt: skip
    changes = Entry.objects.get(action="registration.approved").changes
    assert changes["client_name"] == [client.name, "New name"]
    assert changes["scopes"] == ["address.read", "nrn"]
    assert changes["default_scopes"] == ["address.read", ""]


def test_the_past_is_told_by_the_entries_up_to_then_only() -> None:
    client, _secret = factories.client()
    entries = list(Entry.objects.of_client(client.audit_client).order_by("seq"))
    before = as_it_was(entries)
    lifecycle.suspend(client=client, reason="x", by=factories.SYSTEM, now=timezone.now())
    after = as_it_was(Entry.objects.of_client(client.audit_client).order_by("seq"))
    assert before.facts["status"] == "active"
    assert after.facts["status"] == "suspended"
    assert before.existed


def test_a_removed_contact_and_a_retired_key_are_in_the_past_as_they_were(now) -> None:
    client, _secret = factories.client()
    contact = contacts.add(
        client=client, email="wim@rekenhuis.example", name="Wim", role=ClientContact.Role.EDITOR,
        by=factories.SYSTEM, now=now,
    )  # fmt: skip
    entries = Entry.objects.of_client(client.audit_client).order_by("seq")
    assert list(as_it_was(entries).contacts) == [factories.lotte().audit_label, contact.user.audit_label]
    contacts.remove(contact=contact, by=factories.SYSTEM, now=now)
    assert list(as_it_was(entries.all()).contacts) == [factories.lotte().audit_label]


def scopes_of(client) -> str:
    return next((text for label, text in past(client).context["past"].rows() if str(label) == "Scopes"), "")


def test_scopes_that_an_owner_took_or_that_were_retired_are_not_held_any_more(now) -> None:
    ended = factories.scope("parcel.read", of=factories.api("parcels"))
    client, _secret = factories.client(scopes=(factories.scope(), ended))
    factories.api_owner()
    api_callers.detach(
        client=client, api=factories.api(), reason="Not yours", by=factories.by(factories.elif_()), now=now
    )
    assert scopes_of(client) == "parcel.read"
    catalogue.retire_scope(scope=ended, reason="Gone", by=factories.SYSTEM, now=now)
    assert scopes_of(client) == ""


def test_a_trust_and_an_address_of_keys_are_in_the_past(now) -> None:
    client, _secret = factories.client()
    trust = factories.trust(client)
    trusts.remove(trust=trust, by=factories.SYSTEM, now=now)
    credentials = past(client).context["credentials"]
    assert any(sentence.endswith(f"removed the trust {trust.audit_label}") for sentence in credentials)
