"""The telephone number of a contact: theirs and the Security team's to change, and there when something leaks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts.people import contacts
from clients.models import Client, ClientContact, User
from tests.portal.pages.incident.test_pasted_secret import look_up
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import by, lotte, noor, wim

pytestmark = pytest.mark.django_db

NUMBER = "+32 2 123 45 67"
PHONE = "/phone/"
NOW = factories.NOW


@pytest.fixture
def client() -> Client:
    """Lotte's client, which Wim looks after too."""
    made, _secret = factories.client(now=datetime.now(UTC))
    contacts.add(client=made, email=wim().email, name="Wim", role=ClientContact.Role.EDITOR, by=by(lotte()), now=NOW)
    return made


def last() -> Entry:
    return Entry.objects.with_action("contact.phone_changed")[0]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (NUMBER, NUMBER),
        ("  0032 (0)2/123.45.67 ", NUMBER),
        ("+32-2-123-45-67", NUMBER),
        ("+31 (0) 20 624 11 11", "+31 20 624 11 11"),
        ("+4930123456", "+4930123456"),
    ],
)
def test_a_number_is_kept_in_international_form(client, typed, kept) -> None:
    assert browsers.of(lotte()).post(PHONE, {"phone": typed}).status_code == 302
    assert lotte().phone == kept


@pytest.mark.parametrize("typed", ["02 123 45 67", "call me", "+0 2 123 45 67", "+32", "+32 2 123 45 67 89 01 23 45"])
def test_what_cannot_be_dialled_from_anywhere_is_explained_and_kept_in_the_form(client, typed) -> None:
    answer = browsers.of(lotte()).post(PHONE, {"phone": typed})
    assert answer.status_code == 422
    assert "with + and the code of the country" in answer.text
    assert f'value="{typed}"' in answer.text
    assert lotte().phone == ""


def test_a_contact_changes_the_own_number_after_a_step_up(client) -> None:
    """A thief of a session must not answer the call about the leak."""
    browser = browsers.of(lotte(), stepped_up=False)
    assert browsers.is_asked(browser.post(PHONE, {"phone": NUMBER}))
    assert lotte().phone == ""
    browsers.confirmed(browser, PHONE, {"phone": NUMBER})
    assert lotte().phone == NUMBER
    assert (last().subject_id, last().changes) == (lotte().audit_id, {"phone": [None, NUMBER]})
    assert f'value="{NUMBER}"' in browser.get(PHONE).text
    browsers.confirmed(browser, PHONE, {"phone": ""})
    assert (lotte().phone, last().changes) == ("", {"phone": [NUMBER, None]})


def test_saving_the_same_number_again_is_no_entry(client) -> None:
    for _time in range(2):
        browsers.of(lotte()).post(PHONE, {"phone": NUMBER})
    assert Entry.objects.with_action("contact.phone_changed").count() == 1


def test_the_team_changes_a_number_with_a_reason(client) -> None:
    row = client.contacts.get(user=lotte())
    browser, url = signed_in(noor()), reverse("security:contact_phone", args=[client.uid, row.uid])
    assert browser.post(url, {"phone": NUMBER}).status_code == 422
    assert browser.post(url, {"phone": NUMBER, "reason": "She called us."}).status_code == 302
    assert lotte().phone == NUMBER
    assert (last().actor_id, last().note) == (noor().audit_id, "She called us.")
    assert f'href="tel:+3221234567">{NUMBER}</a>' in browser.get(reverse("security:client", args=[client.uid])).text


def test_the_number_is_a_link_on_the_card_of_a_leak_and_in_its_report(client) -> None:
    contacts.change_phone(user=lotte(), phone=NUMBER, by=by(lotte()))
    link = f'href="tel:+3221234567">{NUMBER}</a>'
    assert link in look_up(client.client_id)
    act = {"leak": f"client:{client.uid}", "act": "suspend", "case": "SEC-1", "reason": "Found on a forum"}
    report = signed_in(noor()).post(reverse("security:revoke_leak"), act, follow=True)
    assert link in report.text


def test_another_contact_of_the_client_does_not_see_the_number(client) -> None:
    contacts.change_phone(user=lotte(), phone=NUMBER, by=by(lotte()))
    browser = browsers.of(wim())
    for name in ("contact:client", "contact:contacts", "contact:client_history"):
        assert NUMBER not in browser.get(reverse(name, args=[client.uid])).text, name


def test_the_number_goes_with_the_last_client(client) -> None:
    other, _secret = factories.client(contact=wim())
    contacts.add(client=other, email=lotte().email, name="", role=ClientContact.Role.EDITOR, by=by(wim()), now=NOW)
    contacts.change_phone(user=wim(), phone=NUMBER, by=by(wim()))
    contacts.change_phone(user=lotte(), phone=NUMBER, by=by(lotte()))
    contacts.remove(contact=client.contacts.get(user=wim()), by=by(lotte()), now=NOW)
    assert User.objects.get(pk=wim().pk).phone == NUMBER, "he still looks after another one"
    contacts.change_role(contact=other.contacts.get(user=lotte()), role=ClientContact.Role.OWNER, by=by(wim()), now=NOW)
    contacts.remove(contact=other.contacts.get(user=wim()), by=by(lotte()), now=NOW)
    assert User.objects.get(pk=wim().pk).phone == ""
