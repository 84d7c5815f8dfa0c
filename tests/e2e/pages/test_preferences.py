"""Preferences of a reader's device: time zone, dark colours, no movement."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from clients.models import Client
from dev.example import organisation
from tests.e2e.pages.test_accessibility import NARROW, WIDE, context_of
from tests.e2e.support import pages

pytestmark = pytest.mark.django_db(transaction=True)

MOVES = """() => [...document.querySelectorAll('*')].filter(element => {
    const { transitionDuration, animationName } = getComputedStyle(element);
    return animationName !== 'none' || transitionDuration.split(',').some(time => parseFloat(time) > 0);
}).map(element => element.className)"""
LINE_OF = "tab => getComputedStyle(tab).borderBottomColor"
FILL_OF = "bar => getComputedStyle(bar).fill"
BRIGHTNESS = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"


def speak(page: Page, language: str) -> None:
    """Choose a language in the menu of the header."""
    page.locator("header .kd-menu > summary").click()
    page.get_by_role("button", name=language).click()


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


def test_forced_colours_show_which_page_is_open_and_what_was_refused(live_server, browser: Browser) -> None:
    """Browsers draw a border that is transparent, and fill no mark that has only a colour of ours."""
    pages.seed()
    page = context_of(browser, live_server.url, "owner", forced_colors="active").new_page()
    client = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    page.goto(reverse("contact:client", args=[client.uid]))
    for tabs in (".kd-nav__link", ".kd-subnav a"):
        lines = page.eval_on_selector_all(tabs, f"tabs => tabs.map({LINE_OF})")
        assert len([line for line in lines if line == lines[0]]) == 1 < len(lines), (tabs, lines)
    issued, refused = (page.eval_on_selector(f".kd-chart__{way}", FILL_OF) for way in ("ok", "bad"))
    assert issued != refused
    page.context.close()


def test_another_language_keeps_what_was_typed_and_the_browser_does_not(live_server, browser: Browser) -> None:
    pages.seed()
    context = context_of(browser, live_server.url, "anonymous")
    page = context.new_page()
    page.goto("/request/")
    page.get_by_label("Name of the client").fill("Meterstanden")
    page.get_by_label("What does it do").fill("Letters,\nand parcels.")
    page.get_by_label("address.read").check()
    speak(page, "Nederlands")
    expect(page.get_by_label("Naam van de client")).to_have_value("Meterstanden")
    expect(page.locator("textarea")).to_have_value("Letters,\nand parcels.")
    expect(page.get_by_label("address.read")).to_be_checked()
    assert page.locator("input[type=checkbox]:checked").count() == 1
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    page.goto("/request/")  # later it is an empty form again
    expect(page.get_by_label("Naam van de client")).to_have_value("")
    context.close()


def test_what_a_browser_must_not_store_does_not_cross_over(live_server, browser: Browser) -> None:
    pages.seed()
    context = context_of(browser, live_server.url, "owner")
    page = context.new_page()
    page.add_init_script("Storage.prototype.setItem = () => { throw new Error('stored'); }")
    stored: list[str] = []
    page.on("pageerror", lambda error: stored.append(str(error)))
    page.goto("/clients/")
    client = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    page.goto(reverse("contact:add_key", args=[client.uid]))
    page.get_by_label("Certificate or JSON Web Key").fill("-----BEGIN PRIVATE KEY-----")
    speak(page, "Français")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.goto(reverse("contact:credentials", args=[client.uid]))
    page.locator(".kd-credrow__row").filter(has_text="Secret").click()
    page.locator("main").get_by_role("button", name="Afficher").click()
    expect(page.locator("#secret")).to_be_visible()
    speak(page, "English")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert not stored
    context.close()


def test_a_change_by_somebody_else_is_still_found_in_another_language(live_server, browser: Browser) -> None:
    pages.seed()
    client = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    context = context_of(browser, live_server.url, "security")
    page = context.new_page()
    page.goto(reverse("security:client_settings", args=[client.uid]))
    page.locator("#id_rate_limit").fill("60")
    page.locator("#id_reason").fill("Fewer")
    Client.objects.filter(pk=client.pk).update(token_lifetime=600)
    speak(page, "Deutsch")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#id_rate_limit")).to_have_value("60")
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        page.locator("main form button").first.click()
    assert answered.value.status == 409
    client.refresh_from_db()
    assert (client.rate_limit, client.token_lifetime) == (None, 600)
    context.close()


def test_samples_open_in_the_language_that_was_chosen_last(live_server, browser: Browser) -> None:
    context = context_of(browser, live_server.url, "anonymous")
    page = context.new_page()
    page.goto("/docs/get-a-token/")
    page.get_by_role("radio", name="Go", exact=True).check(force=True)
    page.goto("/docs/call-an-api/")
    expect(page.get_by_role("radio", name="Go", exact=True)).to_be_checked()
    context.close()
