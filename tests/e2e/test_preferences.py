"""What a reader's device prefers: its time zone, dark colours, no movement."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_accessibility import NARROW, WIDE, context_of

pytestmark = pytest.mark.django_db(transaction=True)

MOVES = """() => [...document.querySelectorAll('*')].filter(element => {
    const { transitionDuration, animationName } = getComputedStyle(element);
    return animationName !== 'none' || transitionDuration.split(',').some(time => parseFloat(time) > 0);
}).map(element => element.className)"""
BRIGHTNESS = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"


def test_times_are_told_in_the_zone_of_the_device(live_server, browser: Browser) -> None:
    context = context_of(browser, live_server.url, "anonymous", timezone_id="America/New_York")
    page = context.new_page()
    page.goto("/")
    page.goto("/docs/")  # the first page has told the zone
    expect(page.locator("footer")).to_contain_text("Times are those of America/New_York (UTC-0")
    context.close()


def test_dark_colours_and_no_movement_for_who_wants_them(live_server, browser: Browser) -> None:
    for size in (WIDE, NARROW):
        context = context_of(
            browser, live_server.url, "anonymous", viewport=size, color_scheme="dark", reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto("/")
        assert sum(page.evaluate(BRIGHTNESS)) < 120
        assert not page.evaluate(MOVES)
        page.emulate_media(color_scheme="light", reduced_motion="no-preference")
        assert sum(page.evaluate(BRIGHTNESS)) > 700
        assert page.evaluate(MOVES)  # or the check above would see nothing in any case
        context.close()
