"""Every component in every state, as the gallery of DEBUG shows them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.pages.test_accessibility import LANGUAGES, LOOKS, REFLOW, context_of, problems_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("dev.urls"),
]

IS_CUT = "field => field.scrollWidth > field.clientWidth || field.scrollHeight > field.clientHeight"


def test_every_component_in_every_state_is_accessible(live_server, browser: Browser, axe: Callable[[Page], None]):
    context = context_of(browser, live_server.url, "anonymous")
    page = context.new_page()
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        page.goto("/gallery/")
        assert not problems_of(page, "en", axe, headings=3)  # two components are whole pages with one
    context.close()


def test_a_secret_is_shown_whole_in_every_language_and_width(live_server, browser: Browser) -> None:
    context = context_of(browser, live_server.url, "anonymous")
    page, cut = context.new_page(), []
    for language in LANGUAGES:
        context.add_cookies([{"name": "keydesk-language", "value": language, "url": live_server.url}])
        page.goto("/gallery/")
        for width in REFLOW:
            page.set_viewport_size({"width": width, "height": 800})
            if page.locator("#secret").evaluate(IS_CUT):
                cut.append((language, width))
    context.close()
    assert not cut
