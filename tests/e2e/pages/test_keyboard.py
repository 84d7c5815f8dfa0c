"""The keyboard alone is enough: each stop in order, its focus in sight, and no trap."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clients.access import management_links, one_time_codes
from clients.mail import outbox
from clients.models import Client, Mail, MailedCode, User
from tests.e2e.pages.test_accessibility import context_of
from tests.e2e.support import pages
from tests.e2e.support.keyboard import Keyboard

pytestmark = pytest.mark.django_db(transaction=True)

# The pages with the most to stop at, of each kind that there is.
BUSY = {
    "owner": (
        "contact:clients",
        "contact:client",
        "contact:credentials",
        "contact:add_key",
        "contact:propose_change",
        "contact:failures",
        "docs:page",
    ),
    "security": ("security:queue", "security:review", "security:clients", "auditor:change_log"),
}


@pytest.fixture
def page_of(live_server, browser: Browser) -> Callable[[str], Page]:
    """A page in which somebody of this role is signed in; no movement, as some people ask for."""
    pages.seed()

    def open_as(role: str) -> Page:
        page = context_of(browser, live_server.url, role).new_page()
        page.emulate_media(reduced_motion="reduce")
        return page

    return open_as


def test_tab_leads_through_everything_and_out_again(page_of: Callable[[str], Page]) -> None:
    places = list(pages.places(pages.things()))
    for role, names in BUSY.items():
        page = page_of(role)
        for name in names:
            page.goto(next(place.path for place in places if (place.role, place.name) == (role, name)))
            assert not Keyboard(page).goes_round(), page.url
        page.context.close()


def test_the_skip_link_is_the_first_stop_and_leads_past_the_navigation(page_of: Callable[[str], Page]) -> None:
    page = page_of("owner")
    page.goto("/clients/")
    keyboard = Keyboard(page)
    keyboard.tab()
    assert keyboard.stop["name"] == "Skip to main content"
    expect(page.get_by_role("link", name="Skip to main content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    keyboard.tab()
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_main_story_by_keyboard(page_of: Callable[[str], Page]) -> None:
    """A client is asked for, confirmed, approved, opened by its link, and its secret revealed."""
    page = page_of("anonymous")
    keyboard = Keyboard(page)
    page.goto("/")
    keyboard.opens("Request a client", "a")
    keyboard.types("Your name", "Pia Claes")
    keyboard.types("Your work e-mail address", "pia@polder.example")
    keyboard.types("Organisation", "Polder Noord")
    keyboard.types("Name of the client", "Pompwacht")
    keyboard.types("What does it do", "It looks where the pumps are.")
    keyboard.ticks(".*parcel.read")
    keyboard.opens("Send", "button")
    code = one_time_codes.value(MailedCode.objects.filter(email="pia@polder.example").latest("created_at"))
    keyboard.types("Code", code)
    keyboard.presses("Enter")
    expect(page.locator("main")).to_contain_text(re.compile("waiting for review", re.IGNORECASE))
    page.context.close()

    page = page_of("security")
    keyboard = Keyboard(page)
    page.goto("/security/queue/")
    keyboard.opens("Polder Noord|Pompwacht", "a")
    keyboard.ticks("Approve")
    keyboard.opens("Record decision", "button")
    assert Client.objects.filter(name="Pompwacht").exists()
    page.context.close()

    page = page_of("anonymous")
    keyboard = Keyboard(page)
    ready = Mail.objects.get(to="pia@polder.example", kind=Mail.Kind.CLIENT_READY)
    outbox.deliver(mail_id=ready.pk, now=timezone.now())  # what the worker does; the link is made then
    link = User.objects.get(email="pia@polder.example").links.usable(timezone.now()).get()
    page.goto("/open/" + management_links.url(link).split("/open/")[1])
    keyboard.opens("Open ", "button")  # and leads to the first token; a fresh link stands for the code
    keyboard.opens("Put the client secret in the commands", "button")
    expect(page.locator("main")).to_contain_text("The secret is in it, in full")
    page.context.close()
