"""The page of a client fits a screen, its menus and folds work without a script, and its copy buttons speak."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from clients.models import Client, User
from dev.example import organisation
from tests.e2e.pages.test_accessibility import LANGUAGES, context_of
from tests.e2e.support import pages
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

HEIGHT = "document.documentElement.scrollHeight"
# The parts of a mail address that a line breaks within.
SPLIT_PARTS = """row => {
    const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT), split = [];
    while (texts.nextNode()) {
        for (const part of texts.currentNode.data.matchAll(/\\w+/g)) {
            const range = document.createRange();
            range.setStart(texts.currentNode, part.index);
            range.setEnd(texts.currentNode, part.index + part[0].length);
            if (range.getClientRects().length > 1) split.push(part[0]);
        }
    }
    return split;
}"""
PHONE = 760  # pixels of a phone's screen that a browser leaves to a page


@pytest.fixture
def fullest() -> Client:
    """The demonstration's client with most to say: it has a certificate that ends soon, refusals and a request."""
    pages.seed()
    return Client.objects.get(name=organisation.WITH_CERTIFICATE)


def open_as_lotte(browser: Browser, url: str, path: str, **options: object) -> Page:
    page = context_of(browser, url, "owner", **options).new_page()
    page.goto(path)
    return page


def test_the_overview_fits_in_every_language(live_server, browser: Browser, fullest: Client, settings) -> None:
    settings.ORGANISATION_NAME, settings.SUPPORT_EMAIL = "Agentschap Gegevensverkeer", "help@gegevensverkeer.example"
    settings.SUPPORT_PHONE = "02 555 01 20"
    page, heights = context_of(browser, live_server.url, "owner").new_page(), {}
    for language in LANGUAGES:
        page.context.add_cookies([{"name": "keydesk-language", "value": language, "url": live_server.url}])
        page.goto(reverse("contact:client", args=[fullest.uid]))
        for width, most in ((1280, 1400), (360, 3 * PHONE)):
            page.set_viewport_size({"width": width, "height": 800})
            heights[language, width] = (page.evaluate(HEIGHT), most)
    page.context.close()
    assert not {place: both for place, both in heights.items() if both[0] > both[1]}


def test_on_a_phone_the_row_of_tabs_shows_the_one_of_the_page(live_server, browser: Browser, fullest: Client) -> None:
    page = open_as_lotte(browser, live_server.url, "/docs/")
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(reverse("contact:client_history", args=[fullest.uid]))
    expect(page.get_by_role("link", name="History")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.scrollingElement.scrollWidth") == 360
    page.context.close()


def test_on_a_phone_the_time_line_draws_each_hour(live_server, browser: Browser, fullest: Client) -> None:
    """In two rows with an axis each; the last column is that of the present hour."""
    page = open_as_lotte(browser, live_server.url, f"{reverse('contact:failures')}?client={fullest.uid}&days=1")
    columns, axes = page.locator("#time-line .kd-chart__link"), page.locator("#time-line .kd-chart__grid")
    for width, rows in ((1280, 1), (360, 2)):
        page.set_viewport_size({"width": width, "height": 800})
        boxes = [box for column in columns.all() if (box := column.bounding_box())]
        assert len(boxes) == 25
        assert len({round(box["y"]) for box in boxes}) == rows
        assert axes.filter(visible=True).count() == rows
        assert boxes[-1]["x"] == max(box["x"] for box in boxes)
    page.context.close()


def test_a_bar_tells_its_figures_when_pointed_or_tabbed_to(live_server, browser: Browser, fullest: Client) -> None:
    page = open_as_lotte(browser, live_server.url, reverse("contact:client", args=[fullest.uid]))
    today, yesterday = (page.locator(f"#chart .kd-chart__day:nth-last-child({place})") for place in (1, 2))
    expect(today.locator(".kd-chart__tip")).to_be_hidden()
    today.get_by_role("link").first.hover()
    expect(today.locator(".kd-chart__tip")).to_contain_text(" issued")
    expect(today.locator(".kd-chart__tip")).to_be_visible()
    today.get_by_role("link").first.focus()
    page.keyboard.press("ArrowLeft")
    expect(yesterday.locator(".kd-chart__tip")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"[?&]day=\d{4}-\d\d-\d\d$"))
    page.context.close()


def test_menus_and_rows_open_without_a_script(live_server, browser: Browser, fullest: Client) -> None:
    path = reverse("contact:credentials", args=[fullest.uid])
    page = open_as_lotte(browser, live_server.url, path, java_script_enabled=False)
    page.get_by_text("Add a credential").click()
    expect(page.get_by_role("link", name="A key or certificate")).to_be_visible()
    row = page.locator(".kd-credrow").filter(has_text="Client secret")
    row.locator("summary").first.click()
    expect(row.get_by_role("button", name="Reveal Client secret")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.context.close()


def test_escape_closes_a_menu_and_leads_back_to_its_name(live_server, browser: Browser, fullest: Client) -> None:
    page = open_as_lotte(browser, live_server.url, reverse("contact:credentials", args=[fullest.uid]))
    name = page.locator("header .kd-menu > summary")
    name.click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(name).to_be_focused()
    page.context.close()


def test_a_copy_button_keeps_its_name_and_tells_what_it_copied(live_server, browser: Browser, fullest: Client) -> None:
    context = context_of(browser, live_server.url, "owner")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(reverse("contact:client", args=[fullest.uid]))
    button = page.get_by_role("button", name="Copy Client id")
    button.click()
    expect(page.locator("#kd-status")).to_have_text("Client id copied")
    expect(button).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == fullest.client_id
    context.close()


def test_the_fix_stands_beside_the_evidence_and_on_a_phone_before_it(
    live_server, browser: Browser, fullest: Client
) -> None:
    page = open_as_lotte(browser, live_server.url, f"{reverse('contact:failures')}?client={fullest.uid}")
    for width, is_beside in ((360, False), (1280, True)):
        page.set_viewport_size({"width": width, "height": 800})
        cause = page.locator(".kd-cause").filter(has_text="The aud of your client assertion")
        fix = cause.get_by_text("Set aud to the expected value").filter(visible=True)
        expect(fix).to_have_count(1)
        place, evidence = fix.bounding_box(), cause.get_by_role("table").first.bounding_box()
        assert place
        assert evidence
        assert (place["x"] > evidence["x"] + evidence["width"]) is is_beside, width
        assert place["y"] < evidence["y"] + evidence["height"]
        assert is_beside or place["y"] < evidence["y"]
    page.context.close()


def test_on_a_phone_a_trust_shows_its_subject_in_few_lines(live_server, browser: Browser, fullest: Client) -> None:
    trust = factories.trust(fullest)
    page = open_as_lotte(browser, live_server.url, reverse("contact:credentials", args=[fullest.uid]))
    page.set_viewport_size({"width": 360, "height": 800})
    row = page.locator(f"#trust-{trust.uid}")
    row.locator("summary").first.click()
    values = row.locator(".kd-unfold dd").all()
    assert all((box := value.bounding_box()) and box["width"] > 120 for value in values)
    page.context.close()


def test_a_pasted_secret_is_hidden_at_once_and_is_not_sent(live_server, browser: Browser, fullest: Client) -> None:
    page = open_as_lotte(browser, live_server.url, reverse("contact:dry_run", args=[fullest.uid]))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    secret = f"kds_{'Ab3-' * 12}"
    page.evaluate("text => navigator.clipboard.writeText(text)", f"curl --user '{fullest.client_id}:{secret}' /token")
    field = page.get_by_label("Token request")
    field.press("Control+v")
    shown = f"curl --user '{fullest.client_id}:kds_{'*' * (len(secret) - 8)}{secret[-4:]}' /token"
    expect(field).to_have_value(shown)
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Test it").click()
    assert "Ab3-Ab3" not in str(sent.value.post_data)
    expect(field).to_have_value(shown)
    typed, verdict = field.bounding_box(), page.locator("#verdict").bounding_box()
    assert typed
    assert verdict
    assert verdict["x"] > typed["x"] + typed["width"], "beside the field"
    page.set_viewport_size({"width": 360, "height": 800})
    verdict, notes = (page.locator(part).bounding_box() for part in ("#verdict", ".kd-part-b"))
    assert verdict
    assert notes
    assert verdict["y"] < notes["y"]
    page.context.close()


def test_a_long_address_breaks_between_its_parts(live_server, browser: Browser, fullest: Client) -> None:
    address = "joris.vanderstraeten@waterbedrijf.example"
    User.objects.filter(email="joris@leiestroom.example").update(email=address)
    page = open_as_lotte(browser, live_server.url, reverse("contact:contacts", args=[fullest.uid]))
    shown = page.locator("td, th").filter(has_text=address).first
    for width in (360, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert shown.evaluate(SPLIT_PARTS) == []
    page.context.close()
