"""Filters and pages of a list: without a reload where there is JavaScript, and just as well where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages.test_accessibility import context_of
from tests.e2e.support import pages

pytestmark = pytest.mark.django_db(transaction=True)

STAYS, STAYED = "window.stays = true", "window.stays === true"


@pytest.fixture
def open_log(live_server, browser: Browser) -> Callable[..., Page]:
    pages.seed()

    def open_log(**options: object) -> Page:
        page = context_of(browser, live_server.url, "auditor", **options).new_page()
        page.goto("/log/")
        return page

    return open_log


def filter_by_a_stranger(page: Page) -> None:
    page.get_by_label("Who").first.fill("nobody at all")
    page.get_by_role("button", name="Show results").click()
    expect(page.get_by_text("No entry fits these filters.")).to_be_visible()
    assert "who=nobody" in page.url


def test_a_filter_changes_the_list_and_not_the_page(open_log: Callable[..., Page]) -> None:
    page = open_log()
    page.evaluate(STAYS)
    filter_by_a_stranger(page)
    assert page.evaluate(STAYED)
    expect(page.locator("#filter")).to_be_focused()  # the reader is where they were
    expect(page.locator("header input[name=next]")).to_have_value(re.compile("who=nobody"))

    page.get_by_role("link", name="Remove filter").click()
    expect(page.get_by_text("No entry fits these filters.")).to_have_count(0)
    assert page.evaluate(STAYED)
    expect(page.locator("#main")).to_be_focused()
    page.go_back()
    expect(page.get_by_text("No entry fits these filters.")).to_be_visible()
    page.context.close()


def test_a_filter_that_cannot_be_read_says_so_in_place(open_log: Callable[..., Page]) -> None:
    page = open_log()
    page.evaluate(STAYS)
    page.get_by_label("From").evaluate("field => field.type = 'text'")
    page.get_by_label("From").fill("tomorrow")
    page.get_by_role("button", name="Show results").click()
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    assert page.evaluate(STAYED)
    page.context.close()


def test_a_session_that_ended_leads_to_the_front_page_as_a_page(open_log: Callable[..., Page]) -> None:
    page = open_log()
    page.evaluate(STAYS)
    page.context.clear_cookies()
    page.get_by_role("button", name="Show results").click()
    page.wait_for_url(lambda url: "/log/" not in url.partition("?")[0])
    assert not page.evaluate(STAYED)
    page.context.close()


def test_the_list_works_without_javascript(open_log: Callable[..., Page]) -> None:
    page = open_log(java_script_enabled=False)
    filter_by_a_stranger(page)
    page.get_by_role("link", name="Remove filter").click()
    expect(page.get_by_text("No entry fits these filters.")).to_have_count(0)
    page.context.close()


def test_a_secret_that_is_typed_into_a_search_goes_into_no_address(live_server, browser: Browser) -> None:
    pages.seed()
    page = context_of(browser, live_server.url, "security").new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/security/clients/")
    secret = pages.things()["secret"]
    page.locator("main").get_by_label("Search").fill(f"it is {secret}")
    page.get_by_role("button", name="Show results").click()
    page.wait_for_url(re.compile("/security/incident/"))
    assert not [url for url in asked if "kds_" in url]
    page.context.close()


def test_a_printed_page_says_whose_it_is_and_when_it_was_printed(live_server, browser: Browser) -> None:
    pages.seed()
    page = context_of(browser, live_server.url, "auditor").new_page()
    page.goto("/log/?who=noor")
    line = page.locator(".kd-print-only")
    expect(line).to_be_hidden()
    page.emulate_media(media="print")
    expect(line).to_contain_text("Ada Claes")
    expect(line).to_contain_text("/log/")
    expect(page.get_by_text("Clear all")).to_be_hidden()
    expect(page.get_by_text("Who: noor")).to_be_visible()
    page.context.close()
