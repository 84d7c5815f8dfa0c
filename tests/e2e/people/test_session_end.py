"""A session that ends while somebody types: the notice before, and the form that is not lost."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from clients.models import Client, ClientContact, Session, User
from dev.example import organisation
from tests.e2e.pages.test_accessibility import context_of
from tests.e2e.support import pages, registering
from tests.e2e.support.live import Live
from tests.e2e.support.people import Person, address
from tokens.endpoints import example_api


@pytest.fixture
def lotte(live: Live, new_page: Callable[..., Page], axe: Callable[[Page], None]) -> Person:
    """Signed in with a mailed link; looks after one client."""
    lotte = Person(live, new_page(), address("lotte"), axe)
    registering.make_scopes(live)
    name = f"Meterstanden {uuid.uuid4().hex[:6]}"
    made = live.manage(
        "create_client", "--name", name, "--contact", lotte.email, "--scope", example_api.SCOPE, "--json"
    )
    assert made.returncode == 0, made.stdout + made.stderr
    lotte.client_id = json.loads(made.stdout)["client_id"]  # type: ignore[attr-defined]
    asks_for_a_link(lotte)
    lotte.opens_the_mailed_link()
    return lotte


def asks_for_a_link(person: Person) -> None:
    person.goes_to("/link/")
    person.page.get_by_role("textbox").fill(person.email)
    person.clicks("Send me a link")


def kept(page: Page, storage: str = "({...sessionStorage, ...localStorage})") -> list[str]:
    """Return the names under which a form is kept; htmx keeps the last address of its own accord."""
    return [name for name in page.evaluate(f"Object.keys({storage})") if name.startswith("keydesk-")]


def test_a_form_sent_after_the_session_comes_back_with_the_mailed_link(live: Live, lotte: Person) -> None:
    page = lotte.page
    lotte.clicks(re.compile("^Meterstanden"), role="link")
    contacts = f"{page.url.split('?')[0]}contacts/"
    lotte.goes_to(contacts)
    page.get_by_label("Name").fill("An Peeters")
    page.get_by_label("E-mail address").fill("an@example.org")
    page.get_by_label("Owner").check()
    live.sql("DELETE FROM clients_session WHERE user_id = (SELECT id FROM clients_user WHERE email = %s)", lotte.email)
    lotte.clicks("Add this contact")
    lotte.sees("Your form was not processed")
    expect(page.get_by_text("Your form is kept in this browser for an hour")).to_be_visible()
    assert kept(page, "sessionStorage") == []

    page.get_by_role("textbox").fill(lotte.email)
    lotte.clicks("Send me a link")
    mailed, lotte.page = lotte.link_from_mail(), page.context.new_page()  # a mail program opens another tab
    lotte.goes_to(mailed)
    lotte.clicks("Open Keydesk")
    expect(lotte.page).to_have_url(contacts)
    expect(lotte.page.get_by_label("Name")).to_have_value("An Peeters")
    expect(lotte.page.get_by_label("E-mail address")).to_have_value("an@example.org")
    expect(lotte.page.get_by_label("Owner")).to_be_checked()
    expect(lotte.page.get_by_text("is back. Look at it, and send it again").first).to_be_visible()
    lotte.look(lotte.page)
    assert kept(lotte.page) == []
    lotte.clicks("Add this contact")
    lotte.steps_up()
    lotte.sees("An Peeters")
    lotte.goes_to(contacts)
    expect(lotte.page.get_by_label("Name")).to_have_value("")  # given back once


@pytest.mark.django_db(transaction=True)
def test_what_somebody_else_typed_is_not_given_back(live_server, browser: Browser) -> None:
    pages.seed()
    client = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    typist = context_of(browser, live_server.url, "owner").new_page()
    contacts = reverse("contact:contacts", args=[client.uid])
    typist.goto(contacts)
    typist.get_by_label("Name", exact=True).fill("Geheim")
    Session.objects.all().delete()
    typist.get_by_role("button", name="Add this contact").click()
    expect(typist.locator("[data-lost]")).to_be_visible()
    joris = User.objects.get(email="joris@leiestroom.example")
    browser_of_joris = pages.browsers.of(joris)
    typist.context.clear_cookies()
    typist.context.add_cookies(
        [{"name": "keydesk", "value": browser_of_joris.cookies["keydesk"].value, "url": live_server.url}]
    )
    ClientContact.objects.filter(user=joris).update(role=ClientContact.Role.OWNER)
    typist.goto(contacts)
    expect(typist.get_by_label("Name", exact=True)).to_have_value("")
    assert typist.evaluate("document.documentElement.outerHTML.includes('Geheim')") is False
    typist.context.close()


@pytest.mark.django_db(transaction=True)
def test_a_form_that_arrived_is_not_given_back(live_server, browser: Browser) -> None:
    pages.seed()
    client = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    page = context_of(browser, live_server.url, "security").new_page()
    page.goto(reverse("security:client_settings", args=[client.uid]))
    page.locator("#id_rate_limit").fill("0")
    page.locator("main form button").first.click()
    expect(page.locator(".govuk-error-summary")).to_be_visible()
    assert kept(page) == []
    page.goto(reverse("security:client_settings", args=[client.uid]))
    expect(page.locator("#id_rate_limit")).not_to_have_value("0")
    page.context.close()


@pytest.mark.django_db(transaction=True)
def test_two_minutes_before_the_end_the_keyboard_can_keep_the_session(
    live_server, browser: Browser, axe: Callable[[Page], None], settings
) -> None:
    settings.SESSION_IDLE_LIMIT = timedelta(seconds=122)
    pages.seed()
    page = context_of(browser, live_server.url, "owner", viewport={"width": 320, "height": 640}).new_page()
    page.goto("/clients/")
    notice = page.locator("#kd-session")
    expect(notice).to_be_hidden()
    expect(notice).to_be_visible()  # two seconds later
    expect(notice).to_contain_text("because nothing happened here for a while")
    axe(page)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 320
    settings.SESSION_IDLE_LIMIT = timedelta(hours=1)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stay signed in")).to_be_focused()
    page.keyboard.press("Enter")
    expect(notice).to_be_hidden()
    expect(page.locator("#kd-status")).to_have_text("You stay signed in.")
    page.context.close()


@pytest.mark.django_db(transaction=True)
def test_the_notice_says_that_the_session_is_over(live_server, browser: Browser) -> None:
    pages.seed()
    page = context_of(browser, live_server.url, "owner").new_page()
    page.goto("/clients/")
    Session.objects.all().delete()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # somebody comes back to the tab
    expect(page.locator("#kd-session")).to_contain_text("You have been signed out")
    expect(page.get_by_role("button", name="Stay signed in")).to_be_hidden()
    page.context.close()
