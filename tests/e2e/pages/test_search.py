"""The search of the header by keys, without a script, and with a secret in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from dev.example import organisation
from tests.e2e.pages.test_accessibility import context_of
from tests.e2e.support import pages

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def open_queue(live_server, browser: Browser) -> Callable[..., Page]:
    pages.seed()

    def open_queue(**options: object) -> Page:
        page = context_of(browser, live_server.url, "security", **options).new_page()
        page.goto("/security/queue/")
        return page

    return open_queue


def test_keys_alone_find_and_open_a_client(open_queue: Callable[..., Page]) -> None:
    page = open_queue()
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search")
    expect(box).to_be_focused()
    page.keyboard.type(organisation.WITH_CERTIFICATE[:9])
    hit = page.get_by_role("option", name=organisation.WITH_CERTIFICATE).first
    expect(hit).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Hits:")).to_be_visible()
    for _step in range(20):
        if hit.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == hit.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(organisation.WITH_CERTIFICATE)


def test_it_says_when_nothing_fits_and_escape_goes_back(open_queue: Callable[..., Page]) -> None:
    page = open_queue()
    page.keyboard.press("Control+k")
    page.keyboard.type("quagga")
    expect(page.get_by_text("Nothing fits this.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.url.endswith("/security/queue/")


def test_it_works_without_a_script(open_queue: Callable[..., Page]) -> None:
    page = open_queue(java_script_enabled=False)
    page.get_by_role("searchbox", name="Search").first.fill("leiestroom")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Organisations")).to_be_visible()
    assert page.url.endswith("?q=leiestroom")


@pytest.mark.parametrize("has_script", [True, False])
def test_a_secret_is_in_no_address(open_queue: Callable[..., Page], has_script: bool) -> None:
    page = open_queue(java_script_enabled=has_script)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    secret = "kds_" + "a" * 49
    if has_script:
        page.keyboard.press("/")
        page.keyboard.type(secret)
        expect(page.get_by_text("This looks like a secret")).to_be_visible()
    else:
        page.get_by_role("searchbox", name="Search").first.fill(secret)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Incident")).to_be_visible()
    assert not [url for url in asked if secret[:12] in url]
