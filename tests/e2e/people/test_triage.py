"""The review queue with forty requests, by the keyboard alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from clients.models import Registration, User
from portal.flows import presence
from tests.e2e.pages.test_accessibility import context_of
from tests.e2e.support import pages
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = 40


@pytest.fixture
def queue(live_server, browser: Browser) -> Page:
    """The queue of forty requests, ten of them for a sensitive scope, open in Noor's browser."""
    pages.seed()
    Registration.objects.open().update(status=Registration.Status.WITHDRAWN)
    now, without_owner = timezone.now(), factories.api("plain")  # that of addresses has one, who decides, too
    plain = factories.scope("plain.read", of=without_owner)
    sensitive = factories.scope("nrn.read", sensitive=True, of=without_owner)
    for number in range(REQUESTS):
        factories.submitted_request(
            now - timedelta(hours=5 * number), client_name=f"Client {number:02}",
            contact_email=f"wim{number}@rekenhuis.example",
            scopes=(sensitive,) if number % 4 == 0 else (plain,),
        )  # fmt: skip
    page = context_of(browser, live_server.url, "security").new_page()
    page.goto("/security/queue/")
    return page


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_forty_requests_are_triaged_by_the_keyboard_alone(queue: Page) -> None:
    """Approve plain ones, reject every eighth, and select the four oldest to ask about them together."""
    press(queue, "n")
    expect(queue.get_by_text("31 to 40 of 40")).to_be_visible()
    queue.wait_for_load_state()
    press(queue, "p")
    expect(queue.get_by_text("1 to 30 of 40")).to_be_visible()
    queue.wait_for_load_state()
    press(queue, "j")
    assert focused(queue) == "Client 39"
    press(queue, "t")  # takes it, and the page comes back to its line
    expect(queue.locator("[data-line]", has_text="Client 39")).to_contain_text("You")
    queue.wait_for_function("document.activeElement.textContent.trim() == 'Client 39'")
    press(queue, "x", "j", "x", "j", "x", "j", "x")
    expect(queue.get_by_role("region", name="Selected requests")).to_be_visible()
    queue.get_by_role("button", name="Ask a question").focus()
    press(queue, "Enter")
    expect(queue.get_by_role("heading", name="Ask about 4 requests")).to_be_visible()
    queue.get_by_label("Message to each contact").focus()
    queue.keyboard.type("Which municipality is this for?")
    press(queue, "Tab", "Enter")
    expect(queue.get_by_text("You asked about 4 requests.")).to_be_visible()

    press(queue, "j", "a")  # opens the first with Approve chosen, and decides nothing
    for number in range(REQUESTS - 5, -1, -1):
        expect(queue.get_by_role("heading", level=1)).to_have_text(f"Client {number:02}")
        queue.wait_for_load_state()  # the script that knows the keys comes after the heading
        press(queue, "r" if number % 8 == 3 else "a")
        if number % 8 == 3:
            press(queue, "m")
            queue.keyboard.type("No legal basis.")
        press(queue, "Control+Enter")
        expect(queue.get_by_role("heading", level=1)).not_to_have_text(f"Client {number:02}")
    found = Registration.objects.filter(client_name__startswith="Client ")
    states = [found.filter(status=state).count() for state in ("approved", "rejected", "changes_requested")]
    assert states == [22, 5, 4]
    waiting = found.filter(status=Registration.Status.SUBMITTED)
    assert set(waiting.values_list("endorsed_by__email", flat=True)) == {pages.NOOR}
    assert waiting.count() == REQUESTS - sum(states)


def test_keys_do_nothing_in_fields_or_once_switched_off(queue: Page) -> None:
    queue.get_by_role("searchbox").last.focus()
    queue.keyboard.type("jxt")
    assert queue.get_by_role("searchbox").last.input_value() == "jxt"
    queue.evaluate("document.activeElement.blur()")
    press(queue, "?")
    dialog = queue.get_by_role("dialog")
    expect(dialog).to_contain_text("open with Reject chosen")
    dialog.get_by_label("Single keys act").uncheck()
    press(queue, "Escape")
    expect(dialog).to_be_hidden()
    press(queue, "j")
    assert focused(queue) != "Client 39"
    press(queue, "?")
    expect(dialog).to_be_visible()  # the list stays within reach
    dialog.get_by_label("Single keys act").check()
    press(queue, "Escape")
    expect(dialog).to_be_hidden()
    press(queue, "j")
    assert focused(queue) == "Client 39"


def test_the_menu_of_filters_closes_by_escape_and_by_a_click_elsewhere(queue: Page) -> None:
    name, content = queue.get_by_text("Filter and order"), queue.get_by_label("Kind")
    name.click()
    expect(content).to_be_visible()
    press(queue, "Escape")
    expect(content).to_be_hidden()
    assert focused(queue) == "Filter and order"
    name.click()
    queue.get_by_role("heading", level=1).click()
    expect(content).to_be_hidden()


def test_a_colleague_who_looks_is_seen_without_a_reload(queue: Page) -> None:
    asked = Registration.objects.get(client_name="Client 39")
    bram = User.objects.get(email=pages.BRAM)
    presence.look(request_pk=asked.pk, user_pk=bram.pk, now=timezone.now())
    queue.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(queue.locator("[data-line]", has_text="Client 39")).to_contain_text("Bram Wouters is looking")
