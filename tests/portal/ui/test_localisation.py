"""The language and the time zone of what a person reads: pages follow the browser, mails the person."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from clients.mail.rendering import render
from clients.models import Mail
from tests.portal.support import browsers
from tests.support import factories
from tests.support.factories import NOW, lotte
from tests.support.keys import certificate_pem

pytestmark = pytest.mark.django_db


def language_of(page: str) -> str:
    found = re.search(r'<html lang="([\w-]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("nl-BE,nl;q=0.9,en;q=0.8", "nl"), ("fr", "fr"), ("de-AT", "de"), ("es,pt;q=0.5", "en"), ("x" * 600, "en")],
)
def test_a_page_comes_in_the_language_that_the_browser_prefers(asked, answered):
    answer = Client(headers={"Accept-Language": asked}).get("/")
    assert language_of(answer.text) == answered
    assert answer["Content-Language"] == answered


def test_the_switch_wins_over_the_browser_and_comes_back_to_the_page():
    browser = Client(headers={"Accept-Language": "fr"})
    answer = browser.post(reverse("account:set_language"), {"language": "nl", "next": "/docs/"})
    assert answer["Location"] == "/docs/"
    assert language_of(browser.get("/docs/").text) == "nl"


def test_the_switch_leads_to_no_other_site_and_knows_no_other_language():
    browser = Client()
    answer = browser.post(reverse("account:set_language"), {"language": "xx", "next": "https://evil.example/"})
    assert answer["Location"] == "/"
    assert language_of(browser.get("/").text) == "en"


def test_the_choice_of_somebody_we_know_is_the_language_of_their_mail():
    contact = lotte()
    client, _secret = factories.client(contact=contact)
    browsers.of(contact).post(reverse("account:set_language"), {"language": "de"})
    contact.refresh_from_db()
    assert contact.language == "de"
    mail = Mail(kind=Mail.Kind.CLIENT_CHANGED, to=contact.email, user=contact, client=client, language="de")
    mail.facts = {"action": "secret.viewed", "subject": "…4f2a", "by": "Noor", "at": NOW.isoformat()}
    assert '<html lang="de">' in render(mail, now=NOW).html


def test_every_page_and_mail_says_in_which_zone_its_times_are(settings):
    settings.TIME_ZONE = "Europe/Brussels"
    browser = Client()
    assert "Times are those of Europe/Brussels (UTC+0" in browser.get("/").text
    browser.cookies["keydesk-timezone"] = "Asia/Kolkata"
    assert "Times are those of Asia/Kolkata (UTC+05:30)." in browser.get("/").text
    mail = Mail(kind=Mail.Kind.REQUEST_REJECTED, to="x@example.org", language="en", facts={})
    assert "Times are those of Europe/Brussels (UTC+0" in render(mail, now=NOW).body


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", '"\\000"', "x" * 4000, ""])
def test_a_cookie_that_names_no_zone_leaves_the_site_s(settings, zone):
    settings.TIME_ZONE = "Europe/Brussels"
    browser = Client(headers={"Cookie": f"keydesk-timezone={zone}"})
    assert "Europe/Brussels" in browser.get("/").text


def test_a_refused_certificate_tells_its_end_as_people_write_it(made, browser):
    old = certificate_pem(now=datetime(2024, 3, 2, 9, 30, tzinfo=UTC), days=10).decode()
    for language, told in (("en", "12 March 2024, "), ("nl", "12 maart 2024 om\xa0")):
        browser.post(reverse("account:set_language"), {"language": language})
        answer = browser.post(reverse("contact:add_key", args=[made.uid]), {"way": "paste", "pasted": old}, follow=True)
        assert told in answer.text
