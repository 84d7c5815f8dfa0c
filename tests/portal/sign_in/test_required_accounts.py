"""`CONTACTS_REQUIRE_ACCOUNT`: a link, a code or a passkey alone shows nothing, at a real OpenID provider."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.portal.support import browsers, staff
from tests.portal.support.contact_provider import Provider, is_signed_in, mailed_link, way
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def required(provider: Provider, settings: Any) -> Provider:
    settings.CONTACTS_REQUIRE_ACCOUNT = True
    return provider


def test_a_link_alone_shows_nothing_where_an_account_is_needed(required, lotte) -> None:
    browser, link = Client(), mailed_link(lotte)
    for page in (browser.get(link), browser.post(link), browser.post(link, {"others": "1"})):
        assert page.status_code == 200
        assert "Continue with Example account" in page.text
        assert "Lotte" not in page.text
        assert not is_signed_in(browser)
    required.authenticates("lotte")
    required.through(browser, way(browser.get(link).text))
    assert is_signed_in(browser)
    assert browser.get("/clients/").status_code == 200


def test_a_session_without_an_account_opens_no_page(required, lotte, made) -> None:
    """By link from before, by code or by passkey; also pages that tell more after a sign-in."""
    browser, wall = browsers.of(lotte), reverse("account:continue")
    page = reverse("contact:client", args=[made.uid])
    for address in ("/clients/", page, reverse("contact:passkeys"), reverse("account:sessions")):
        assert browser.get(address)["Location"].partition("?")[0] == wall
        assert browser.post(address)["Location"].partition("?")[0] == wall
    assert made.name not in browser.get("/").text
    assert "Sign in" in browser.get("/why/7d1c88f041b2").text
    assert browser.post(reverse("account:sign_out")).status_code == 302
    browser = browsers.of(lotte)
    shown = browser.get(browser.get(page)["Location"]).text
    required.authenticates("lotte")
    assert required.through(browser, way(shown))["Location"] == page
    assert browser.get(page).status_code == 200


def test_a_session_that_began_long_ago_binds_no_account(required, lotte) -> None:
    """A stolen session must not become a way in that stays; a fresh one comes from the mailbox."""
    browser = browsers.of(lotte)
    browser.get("/")
    session = browser.session
    session["started_at"] -= 16 * 60
    session.save()
    page = browser.get(reverse("account:continue")).text
    assert "Continue with Example account" not in page
    assert reverse("public:ask_link") in page


def test_staff_sign_in_as_before_where_contacts_need_an_account(required) -> None:
    assert staff.signed_in(factories.noor()).get(reverse("security:dashboard")).status_code == 200
