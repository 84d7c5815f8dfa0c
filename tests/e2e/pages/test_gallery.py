"""Every component in every state, as the gallery of DEBUG shows them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.pages.test_accessibility import LOOKS, context_of, problems_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("dev.urls"),
]


def test_every_component_in_every_state_is_accessible(live_server, browser: Browser, axe: Callable[[Page], None]):
    context = context_of(browser, live_server.url, "anonymous")
    page = context.new_page()
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        page.goto("/gallery/")
        assert not problems_of(page, "en", axe, headings=3)  # two components are whole pages with one
    context.close()
