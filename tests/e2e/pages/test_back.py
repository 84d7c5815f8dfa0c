"""Back and Reload after a form show a page again, and send nothing again."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from audit.models import Entry
from clients import encryption
from clients.access import one_time_codes
from clients.models import Client, MailedCode, User
from dev.example import organisation
from tests.e2e.pages.test_accessibility import context_of
from tests.e2e.support import pages
from tests.portal.support import browsers
from tests.support.keys import certificate_pem, new_ec

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mine() -> Client:
    pages.seed()
    return Client.objects.get(name=organisation.WITH_CERTIFICATE)


@pytest.fixture
def lotte(live_server, browser: Browser, mine: Client) -> Page:
    """Signed in with a link that was opened long ago."""
    cookies = browsers.of(User.objects.get(email=organisation.CONTACT), stepped_up=False).cookies
    context = browser.new_context(base_url=live_server.url, locale="en-GB")
    context.add_cookies([{"name": "keydesk", "value": cookies["keydesk"].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(15_000)
    return page


def presses(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name).first.click()
    page.wait_for_load_state()


def goes_back(page: Page, words: str) -> None:
    """Playwright raises where the browser asks whether to send a form again (ERR_CACHE_MISS)."""
    page.go_back()
    expect(page.locator("main")).to_contain_text(words)
    page.reload()
    expect(page.locator("main")).to_contain_text(words)


def types_the_code(page: Page, button: str) -> None:
    page.get_by_label("Code", exact=True).fill(one_time_codes.value(MailedCode.objects.latest("created_at")))
    presses(page, button)


def test_back_to_the_commands_with_the_secret_shows_them_without(lotte: Page, mine: Client) -> None:
    lotte.goto(reverse("contact:first_token", args=[mine.uid]))
    lotte.locator("label[for=with-secret]").click()
    presses(lotte, "Put the client secret in the commands")
    types_the_code(lotte, "Show the client secret")
    expect(lotte.locator("main")).to_contain_text("The secret is in it, in full")
    secret = re.search(r"kds_[\w-]+", lotte.locator("main").inner_text())
    assert secret
    lotte.goto("/clients/")
    goes_back(lotte, "Put the client secret in the commands")
    assert secret[0] not in lotte.content()
    assert Entry.objects.filter(action="secret.viewed").count() == 1


def test_back_after_the_code_and_the_secret(lotte: Page, mine: Client) -> None:
    lotte.goto(reverse("contact:credentials", args=[mine.uid]))
    lotte.locator(".kd-credrow__row").filter(has_text="Client secret").click()
    presses(lotte, "Reveal")
    lotte.get_by_label("Code", exact=True).fill("000000")
    presses(lotte, "Show the client secret")
    lotte.go_back()  # from the page that refused the code to the page that asked for it
    expect(lotte.locator("main")).to_contain_text("4 tries left")
    types_the_code(lotte, "Show the client secret")
    expect(lotte.locator("#secret")).to_be_visible()
    secret = lotte.locator("#secret").input_value()
    lotte.reload()
    expect(lotte.locator("main")).to_contain_text("The secret is hidden again")
    lotte.go_back()
    assert secret not in lotte.content()
    lotte.locator(".kd-credrow__row").filter(has_text="Client secret").click()
    presses(lotte, "Reveal")
    expect(lotte.locator("#secret")).to_be_visible()
    lotte.goto("/clients/")
    goes_back(lotte, "The secret is hidden again")
    assert secret not in lotte.content()
    assert Entry.objects.filter(action="secret.viewed").count() == 2


def test_back_after_a_key_was_checked_and_added(lotte: Page, mine: Client) -> None:
    lotte.goto(reverse("contact:add_key", args=[mine.uid]))
    lotte.get_by_label("Certificate or JSON Web Key").fill(certificate_pem(new_ec(), now=datetime.now(UTC)).decode())
    presses(lotte, "Check this key")
    expect(lotte.locator("main")).to_contain_text("Is this the right key?")
    lotte.goto("/clients/")
    goes_back(lotte, "Is this the right key?")
    presses(lotte, "Add this key")
    goes_back(lotte, "Is this the right key?")
    lotte.go_forward()
    types_the_code(lotte, "Add this key")
    expect(lotte.locator("main")).to_contain_text("The key is added")
    lotte.go_back()
    expect(lotte.locator("h1")).to_be_visible()
    assert mine.keys.count() == 2


def test_back_after_a_dry_run(lotte: Page, mine: Client) -> None:
    lotte.goto(reverse("contact:dry_run", args=[mine.uid]))
    lotte.get_by_label("Token request").fill("a.b.c")
    presses(lotte, "Test it")
    lotte.goto("/clients/")
    goes_back(lotte, "We would refuse this")


def test_back_after_a_link_was_asked_for(live_server, browser: Browser) -> None:
    page = browser.new_context(base_url=live_server.url, locale="en-GB").new_page()
    page.goto("/link/")
    page.get_by_role("textbox").fill("lotte@leiestroom.example")
    presses(page, "Send me a link")
    page.goto("/docs/")
    goes_back(page, "lotte@leiestroom.example")
    page.goto("/open/" + "x" * 43 + "/")
    presses(page, "Send me a new link")
    page.goto("/docs/")
    goes_back(page, "If your link was one of ours")


def test_back_after_a_leak_was_looked_up(live_server, browser: Browser, mine: Client) -> None:
    row = mine.secrets.get()
    secret = encryption.decrypt(bytes(row.ciphertext or b""), key_id=row.sealed_with, row=row.uid)
    page = context_of(browser, live_server.url, "security").new_page()
    page.goto(reverse("security:incident"))
    page.get_by_label("What leaked").fill(secret)
    presses(page, "Find out whose it is")
    expect(page.locator("main")).to_contain_text("Works now")
    page.goto("/docs/")
    goes_back(page, "Works now")
    assert Entry.objects.filter(action="incident.looked_up").count() == 1
