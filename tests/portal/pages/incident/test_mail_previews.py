"""The mail of an act stands on the page of the act: word for word what is sent, with room for a paragraph."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client as Browser
from django.urls import reverse
from django.utils.html import escape

from audit.models import Entry
from clients.acts.credentials import keys as key_acts
from clients.acts.people import contacts
from clients.mail.rendering import render
from clients.models import Client, ClientContact, Key, Mail
from portal.flows.mail_previews import Preview
from tests.portal.pages.incident.test_incident import revoke
from tests.portal.pages.incident.test_pasted_secret import reference
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tests.support.factories import by, lotte, noor, person

pytestmark = pytest.mark.django_db

PLACEHOLDER = "(Your message to the contacts stands here, if you write one.)"
BUTTONS = {
    "revoke": "Revoke this key and its tokens",
    "tokens": "Invalidate all tokens of the client",
    "everything": "End all its keys, secrets, trusts and tokens",
    "suspend": "Suspend the client",
}


@pytest.fixture
def client() -> Client:
    """A client with a contact who reads English and one who reads Dutch."""
    made, _secret = factories.client(now=datetime.now(UTC))
    wim = person("wim@rekenhuis.example", "Wim Goossens", language="nl")
    role, now = ClientContact.Role.EDITOR, datetime.now(UTC)
    contacts.add(client=made, email=wim.email, name="", role=role, by=by(lotte()), now=now)
    return made


@pytest.fixture
def key(client: Client) -> Key:
    return key_acts.add(client=client, key=keys.public_key(), by=by(lotte()), now=datetime.now(UTC))


def shown(page, act: str = "") -> dict[str, str]:
    """The previews of an act by their language."""
    previews: list[Preview] = page.context["mails"]
    found = [preview for preview in previews if preview.act == act]
    for preview in found:
        for line in filter(None, preview.text.body.splitlines()):
            assert escape(line) in page.text, "the page shows the whole mail"
    return {preview.language: one_line(preview.text.body) for preview in found}


def sent() -> dict[str, str]:
    mails = Mail.objects.exclude(kind=Mail.Kind.CONTACT_ADDED).order_by("created_at")
    return {mail.language: one_line(render(mail, now=datetime.now(UTC)).body) for mail in mails}


def one_line(body: str) -> str:
    """The words of a mail: a text mail breaks its lines, a page leaves that to the browser."""
    return " ".join(body.split())


def test_the_page_breaks_no_line_within_a_paragraph(client, key) -> None:
    page = signed_in(noor()).get(reverse("security:change_client_status", args=[client.uid, "suspend"]))
    text = next(preview.text.body for preview in page.context["mails"] if preview.language == "en")
    assert any(len(line) > 72 for line in text.splitlines() if "://" not in line)


@pytest.mark.parametrize("act", BUTTONS)
def test_the_card_shows_the_mail_of_each_act_in_each_language(client, key, act) -> None:
    """staff.md 5.1. The words of the team are part of it, and of the entry."""
    Mail.objects.all().delete()
    message = "Call us: 5 < 7, and <b>now</b>."
    with time_machine.travel(datetime.now(UTC), tick=False):
        page = signed_in(noor()).post(reverse("security:incident"), {"value": key.kid}, follow=True)
        before = shown(page, BUTTONS[act])
        assert not Mail.objects.exists()
        revoke(page.text, act, message=message)
        after = sent()
    assert set(before) == {"en", "nl"}
    assert {language: text.replace(PLACEHOLDER, message) for language, text in before.items()} == after
    assert Entry.objects.exclude(changes__message=None)[0].changes["message"] == [None, message]
    mail = Mail.objects.get(language="en")
    assert "5 &lt; 7, and &lt;b&gt;now&lt;/b&gt;." in render(mail, now=datetime.now(UTC)).html


OWN_PAGES = {
    "end a key": ("security:retire_key", {"case": "SEC-1"}),
    "suspend": ("security:change_client_status", {}),
    "close": ("security:change_client_status", {}),
    "invalidate": ("security:invalidate_tokens", {}),
}


@pytest.mark.parametrize("act", OWN_PAGES)
def test_the_own_page_of_an_act_shows_its_mail(client, key, act) -> None:
    name, form = OWN_PAGES[act]
    more = [key.uid] if name == "security:retire_key" else [act] if name.endswith("status") else []
    url, browser = reverse(name, args=[client.uid, *more]), signed_in(noor())
    Mail.objects.all().delete()
    with time_machine.travel(datetime.now(UTC), tick=False):
        before = shown(browser.get(url))
        told = {"reason": "Found on a forum", "message": "Please call.", **form}
        assert browser.post(url, told).status_code == 302
        after = sent()
    assert {language: text.replace(PLACEHOLDER, "Please call.") for language, text in before.items()} == after
    assert Entry.objects.exclude(changes__message=None)[0].changes["message"] == [None, "Please call."]


def test_an_act_without_a_reason_shows_its_mail_again(client, key) -> None:
    browser: Browser = signed_in(noor())
    card = browser.post(reverse("security:incident"), {"value": key.kid}, follow=True).text
    form = {"leak": reference(card), "act": "suspend", "case": "SEC-1"}
    page = browser.post(reverse("security:revoke_leak"), form)
    assert page.status_code == 422
    assert "suspended" in shown(page, "Suspend this client?")["en"]


def test_no_more_of_the_message_is_sent_than_fits_its_bound(client, key) -> None:
    browser = signed_in(noor())
    card = browser.post(reverse("security:incident"), {"value": key.kid}, follow=True).text
    form = {"leak": reference(card), "act": "suspend", "case": "SEC-1", "reason": "Found", "message": "x" * 2001}
    assert browser.post(reverse("security:revoke_leak"), form).status_code == 422
    assert Client.objects.get(pk=client.pk).is_active


def test_the_past_of_a_client_has_no_case_or_message_among_its_facts(client, key) -> None:
    revoke(
        signed_in(noor()).post(reverse("security:incident"), {"value": key.kid}, follow=True).text,
        "suspend",
        message="Please call.",
    )
    past = signed_in(factories.ada()).get(reverse("auditor:client_at", args=[client.uid])).context["past"]
    texts = [text for _label, text in past.rows()]
    assert "Suspended" in texts
    assert "SEC-2026-031" not in texts
    assert "Please call." not in texts
