"""Every page of a contact works without JavaScript: each form can be sent, and nothing shows that needs a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.e2e.pages.test_accessibility import context_of, visit
from tests.e2e.support import pages

pytestmark = pytest.mark.django_db(transaction=True)

PROBLEMS = """() => {
    document.querySelectorAll('details').forEach(fold => { fold.open = true; });
    const shown = element => element.checkVisibility({visibilityProperty: true});
    const of = selector => [...document.querySelectorAll(selector)];
    const named = (problem, found) => found.map(one => `${problem}: ${one.cloneNode().outerHTML} ${one.textContent}`);
    const byEnter = form => form.querySelectorAll('input:not([type=hidden])').length === 1;  // a form with one field
    const sends = form => byEnter(form) || [...form.querySelectorAll('button:not([type=button])')].some(shown);
    const target = link => document.getElementById(decodeURIComponent(link.hash.slice(1)));
    return [
        ...named('cannot be sent', of('form').filter(form => shown(form) && !sends(form))),
        ...named('needs a script', of('button[type=button], [data-copy]').filter(shown)),
        ...named('leads nowhere', of('a[href^="#"]').filter(link => link.hash && !target(link))),
        ...(of('main h1').some(shown) ? [] : ['no heading']),
    ];
}"""


def test_every_page_of_a_contact_works_without_a_script(live_server, browser: Browser) -> None:
    pages.seed()
    places, wrong = list(pages.places(pages.things())), []
    for role in ("anonymous", "owner"):
        page = context_of(browser, live_server.url, role, java_script_enabled=False).new_page()
        for place in places:
            if place.role == role and place.form is None and visit(page, place):
                wrong += [f"{role}, {place.path}: {problem}" for problem in page.evaluate(PROBLEMS)]
        page.context.close()
    assert not wrong, "\n".join(wrong)
