"""Every Copy button on every page puts into the clipboard what stands beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page

from dev.example import organisation
from tests.e2e.pages.test_accessibility import context_of, visit
from tests.e2e.support import pages
from tests.e2e.support.pages import Place
from tests.portal.test_access import ROLES

pytestmark = pytest.mark.django_db(transaction=True)

# Press each button as a person would, and compare the clipboard with the element that it names. White space at the ends
# is layout, but in a text area, which is copied as it is.
COPY_ALL = """async () => {
    const wrong = [];
    for (const button of document.querySelectorAll('[data-copy]')) {
        const name = button.textContent.trim();
        const source = document.getElementById(button.dataset.copy);
        if (!source) { wrong.push(`${name}: no element ${button.dataset.copy}`); continue; }
        const text = 'value' in source ? source.value : source.textContent.trim();
        await navigator.clipboard.writeText('nothing was copied');
        button.click();
        let copied = '';
        for (let tries = 0; tries < 40 && !copied; tries++) {
            await new Promise((resolve) => setTimeout(resolve, 5));
            const now = await navigator.clipboard.readText();
            copied = now === 'nothing was copied' ? '' : now;
        }
        if (!text || copied !== text) wrong.push(`${name}: copied ${copied}, not ${text}`);
    }
    return wrong;
}"""
# The values that people come to copy: none of them may lose its button.
EXPECTED = {"contact:client", "contact:credentials", "contact:key", "docs:page", "contact:reveal_secret-answer"}


def with_buttons() -> list[Place]:
    """Pages of the example that have a Copy button, once each, and the samples of every client and language."""
    known = pages.things()
    browsers, seen, found = {role: pages.browser_of(role) for role in ROLES}, set(), []
    places = [*pages.places(known), *samples()]
    for place in places:
        if (place.path, str(place.form)) in seen:
            continue
        seen.add((place.path, str(place.form)))
        browser = browsers[place.role]
        answer = (
            browser.post(place.path, place.form, follow=True) if place.form is not None else browser.get(place.path)
        )
        if "text/html" in answer.get("Content-Type", "") and "data-copy=" in answer.text:
            found.append(place)
    return found


def samples() -> list[Place]:
    page = Place("owner", "docs:page", reverse("docs:page", args=["get-a-token"]))
    client = pages.Client.objects.get(name=organisation.WITH_CERTIFICATE)
    methods = ("client_secret_basic", "client_secret_post", "private_key_jwt")
    return [replace(page, path=f"{page.path}?client={client.uid}&method={method}") for method in methods]


def press_all(page: Page, place: Place) -> list[str]:
    visit(page, place)
    return [f"{place.role} {page.url}: {problem}" for problem in page.evaluate(COPY_ALL)]


def test_every_copy_button_copies_what_stands_beside_it(live_server, browser: Browser) -> None:
    pages.seed()
    places, wrong = with_buttons(), []
    assert {place.name for place in places} >= EXPECTED
    for role in ROLES:
        of_role = [place for place in places if place.role == role]
        if not of_role:
            continue
        context = context_of(browser, live_server.url, role)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
        for place in of_role:
            wrong.extend(press_all(page, place))
        context.close()
    assert not wrong, "\n".join(wrong)
