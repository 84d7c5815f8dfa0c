"""Every page, in every language, wide and narrow, light and dark: axe, reflow, and what a page must have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page

from clients.models import Client, Registration, User
from dev.example import organisation
from tests.e2e.support import pages
from tests.e2e.support.pages import Place
from tests.portal.test_access import ROLES

pytestmark = pytest.mark.django_db(transaction=True)

# Each in a worker of its own (tests/groups.py).
EVERYBODY = [
    pytest.param(ROLES[:4], id="contacts"),
    pytest.param(ROLES[4:], id="staff"),
]

LANGUAGES = ("en", "nl", "fr", "de")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = [(WIDE, "light"), (NARROW, "light"), (NARROW, "dark"), (WIDE, "dark")]
# WCAG 2.2, 1.4.10: 320 CSS pixels; what is left of 1280 at a zoom of 200 % (1.4.4); and 1280, for wide tables.
REFLOW = (320, 640, 1280)

POST = """([path, fields]) => {
    const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
    const form = Object.assign(document.createElement('form'), {method: 'post', action: path});
    for (const [name, value] of Object.entries({...fields, csrfmiddlewaretoken: token})) {
        const area = Object.assign(document.createElement('textarea'), {name, value});
        form.append(area);
    }
    document.body.append(form);
    form.submit();
}"""
UNFOLD = "document.querySelectorAll('main details').forEach(each => { each.open = true })"
FACTS = """() => ({
    lang: document.documentElement.lang,
    headings: document.querySelectorAll('main h1').length,
    title: document.title,
    ids: [...document.querySelectorAll('[id]')].map(e => e.id).filter((id, n, all) => all.indexOf(id) !== n),
})"""


def context_of(browser: Browser, url: str, role: str, **options: Any) -> BrowserContext:
    """A browser in which a person of this role is signed in. Options are those of playwright's new_context()."""
    context = browser.new_context(base_url=url, locale="en-GB", **options)
    for name, morsel in pages.browser_of(role).cookies.items():
        context.add_cookies([{"name": name, "value": morsel.value, "url": url}])
    return context


def visit(page: Page, place: Place) -> bool:
    """False for a file and everything else that is no page."""
    if place.form is not None:
        page.goto("/docs/")  # for the token against forged requests
        with page.expect_navigation():
            page.evaluate(POST, [place.path, place.form])
        return True
    try:
        page.goto(place.path)
    except Error as error:
        if "Download is starting" in str(error):
            return False
        raise
    return bool(page.evaluate("document.contentType == 'text/html'"))


def problems_of(page: Page, language: str, axe: Callable[[Page], None] | None, *, headings: int = 1) -> list[str]:
    found = []
    try:
        if axe:
            axe(page)
    except AssertionError as problem:
        found.append(str(problem))
    facts = page.evaluate(FACTS)
    titled = bool(facts["title"].partition("–")[0].strip())
    if facts["lang"] != language or facts["headings"] != headings or not titled or facts["ids"]:
        found.append(f"{facts}")
    for width in REFLOW:
        page.set_viewport_size({"width": width, "height": 800})
        if (needed := page.evaluate("document.scrollingElement.scrollWidth")) > width:
            found.append(f"scrolls sideways at {width} px: {needed}")
    return found


def seen_in(place: Place, first: dict[str, str], number: int) -> tuple[str, ...]:
    """A page in all languages; in one more for each other role, who see another header around it, or after a form."""
    newly = first.setdefault(f"{place.name} {place.path}", place.role) == place.role
    if newly and place.form is None:
        return LANGUAGES
    return (LANGUAGES[number % len(LANGUAGES)],)


@pytest.mark.parametrize("roles", EVERYBODY)
def test_every_page_is_accessible_in_every_language(
    live_server, browser: Browser, axe: Callable[[Page], None], roles: tuple[str, ...]
) -> None:
    """Each page in four languages; axe, which takes longest, sees two of them: one wide, one narrow and unfolded."""
    pages.seed()
    wrong, complaints, first = [], [], dict[str, str]()
    by_role: dict[str, list[tuple[Place, str, int, bool]]] = {}
    for number, place in enumerate(pages.places(pages.things())):
        languages = seen_in(place, first, number)
        if place.role not in roles:
            continue
        for turn, language in enumerate(languages, number):
            by_role.setdefault(place.role, []).append((place, language, turn, turn % 2 == 0 or len(languages) == 1))
    for role, visits in by_role.items():
        context = context_of(browser, live_server.url, role)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto("/docs/")
        for place, language, turn, with_axe in visits:
            size, scheme = LOOKS[turn % len(LOOKS)]
            context.add_cookies([{"name": "keydesk-language", "value": language, "url": live_server.url}])
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            if not visit(page, place):
                continue
            if size is NARROW:
                page.evaluate(UNFOLD)
            wrong += [
                f"{role}, {language}, {scheme}, {size['width']} px, {place.name} {place.path}: {problem}"
                for problem in problems_of(page, language, axe if with_axe else None)
            ]
        context.close()
    assert not wrong, "\n".join(wrong)
    policy = [text for text in complaints if "Content Security Policy" in text]
    assert not policy, policy


def test_names_and_addresses_of_any_length_make_no_page_scroll_sideways(live_server, browser: Browser) -> None:
    pages.seed()
    lotte, places = User.objects.get(email=organisation.CONTACT), list(pages.places(pages.things()))
    User.objects.filter(pk=lotte.pk).update(name="Verhaeghe" * 16)
    Client.objects.update(name="Meterstanden" * 10, organisation="Leiestroom" * 15)
    Registration.objects.update(client_name="Meterstanden" * 10, organisation="Leiestroom" * 15, purpose="x" * 400)
    User.objects.exclude(pk__in=[lotte.pk]).filter(role=User.Role.CONTACT).update(name="")  # their address is shown
    User.objects.filter(email="joris@leiestroom.example").update(email=f"joris@{'leiestroom-' * 9}.example")
    wrong = []
    for role in ("owner", "security", "api_owner"):
        page = context_of(browser, live_server.url, role).new_page()
        for place in places:
            if place.role == role and place.form is None and visit(page, place):
                for width in REFLOW:
                    page.set_viewport_size({"width": width, "height": 800})
                    if (needed := page.evaluate("document.scrollingElement.scrollWidth")) > width:
                        wrong.append(f"{role}, {place.path} scrolls sideways at {width} px: {needed}")
        page.context.close()
    assert not wrong, "\n".join(wrong)
