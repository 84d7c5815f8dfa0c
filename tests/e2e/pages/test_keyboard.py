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
from tests.e2e.pages.test_accessibility import EVERYBODY, context_of, visit
from tests.e2e.support import pages
from tests.e2e.support.keyboard import Keyboard
from tests.e2e.support.pages import Place
from tests.portal.test_access import ROLES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page_of(live_server, browser: Browser) -> Callable[[str], Page]:
    """A page in which somebody of this role is signed in; no movement, as some people ask for."""
    pages.seed()

    def open_as(role: str) -> Page:
        context = context_of(browser, live_server.url, role)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.emulate_media(reduced_motion="reduce")
        return page

    return open_as


def once_each() -> dict[str, list[Place]]:
    """Every page once, as the first role sees it that may: what differs between two roles is the header."""
    first = dict[str, Place]()
    for place in pages.places(pages.things()):
        first.setdefault(place.name, place)
    by_role: dict[str, list[Place]] = {role: [] for role in ROLES}
    for place in first.values():
        by_role[place.role].append(place)
    return by_role


@pytest.mark.parametrize("roles", EVERYBODY)
def test_tab_leads_through_every_page_and_out_again(page_of: Callable[[str], Page], roles: tuple[str, ...]) -> None:
    """The header is walked through on the first page of each role."""
    by_role, wrong = once_each(), []
    for role in roles:
        page, header = page_of(role), True
        for place in by_role[role]:
            if visit(page, place):
                found = Keyboard(page).walks(header=header)
                wrong += [f"{role}, {place.name} {place.path}: {problem}" for problem in found]
                header = False
        page.context.close()
    assert not wrong, "\n".join(wrong)


def test_the_search_opens_from_anywhere_and_gives_the_focus_back(page_of: Callable[[str], Page]) -> None:
    page = page_of("owner")
    page.goto("/clients/")
    keyboard = Keyboard(page)
    keyboard.tab_to("Documentation")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("link", name="Documentation").first).to_be_focused()


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
