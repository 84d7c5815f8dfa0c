"""Pages on paper: the report of an incident, all of it and nothing of the site around it, and wide tables."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clients.acts import lifecycle
from clients.acts.people import contacts
from clients.models import Client, User
from dev.example import organisation
from tests.e2e.pages.test_accessibility import context_of
from tests.e2e.support import pages
from tests.support import factories
from tokens.acts import incident

pytestmark = pytest.mark.django_db(transaction=True)

CASE, NUMBER = "SEC-2026-031", "+32 2 123 45 67"
PAPER = {"width": 718, "height": 1047}  # A4 without margins of 1 cm, in CSS pixels
CUT = """() => [...document.querySelectorAll("main *")].filter((element) => element.checkVisibility()
    && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map((element) => element.outerHTML.slice(0, 80))"""


@pytest.fixture
def report(live_server, browser: Browser) -> Page:
    """The report of a case with two acts on a client with a key, a secret and two contacts."""
    pages.seed()
    client = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    noor = factories.by(User.objects.get(email=pages.NOOR))
    lotte = User.objects.get(email=organisation.CONTACT)
    contacts.change_phone(user=lotte, phone=NUMBER, by=factories.by(lotte))
    now = timezone.now()
    told = {"reason": "Its private key was in a public repository.", "by": noor, "now": now}
    incident.revoke_all(client=client, case=CASE, message="We call you this afternoon.", **told)
    lifecycle.suspend(client=client, evidence=incident.evidence_in(client, CASE), **told)
    page = context_of(browser, live_server.url, "security").new_page()
    page.goto(reverse("security:incident_report", args=[client.uid], query={"case": CASE}))
    return page


def test_the_report_of_a_client_is_one_page_of_paper(report: Page) -> None:
    paper = report.pdf(format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "1cm"))
    assert len(re.findall(rb"/Type /Page\b", paper)) == 1
    report.context.close()


def test_nothing_of_the_report_is_cut_and_nothing_of_the_site_is_printed(report: Page) -> None:
    report.emulate_media(media="print")
    report.set_viewport_size(PAPER)
    assert report.evaluate(CUT) == []
    for name in (".kd-header", ".kd-footer", ".govuk-breadcrumbs", "nav"):
        for element in report.locator(name).all():
            expect(element).not_to_be_visible()
    for words in (CASE, "public repository", NUMBER, "Who used this client", "What it could reach", "Signatures"):
        expect(report.get_by_text(words).first).to_be_visible()
    report.context.close()


@pytest.mark.parametrize("path", ["/log/reports/?report=approvals", "/log/staff/"])
def test_a_table_of_many_columns_loses_none_on_paper(live_server, browser: Browser, path: str) -> None:
    """In German, which has the longest words."""
    pages.seed()
    context = context_of(browser, live_server.url, "auditor")
    context.add_cookies([{"name": "keydesk-language", "value": "de", "url": live_server.url}])
    page = context.new_page()
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    page.goto(path)
    expect(page.get_by_role("table")).to_be_visible()
    assert page.evaluate(CUT) == []
