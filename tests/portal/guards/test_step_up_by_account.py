"""The step-up at the provider of a contact's account, with oidc-provider from npm: `acr`, `auth_time`, and the act."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.models import MailedCode, User
from tests.portal.support import browsers
from tests.portal.support.browsers import is_asked
from tests.portal.support.contact_provider import Provider, is_signed_in, opened, way
from tests.support import factories

pytestmark = pytest.mark.django_db

SILVER, GOLD = "urn:example:silver", "urn:example:gold"
CONFIRM = "Confirm with Example account"


@pytest.fixture
def provider(provider: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Return the provider, where only gold is enough for a step-up."""
    app = provider.app(acr_values=GOLD)
    monkeypatch.setitem(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS", [app])
    return provider


@pytest.fixture
def browser(provider: Provider, lotte: User) -> Client:
    """Lotte's browser, signed in with her account a moment ago."""
    browser, _answer = opened(provider, lotte)
    assert is_signed_in(browser)
    return browser


@pytest.fixture
def reveal(made) -> str:
    return reverse("contact:reveal_secret", args=[made.uid])


def at_provider(provider: Provider, browser: Client, page: str, **person: Any) -> HttpResponse:
    """Confirm there as this person; return the page that Keydesk then shows."""
    provider.authenticates(**{"sub": "lotte", "acr": GOLD, **person})
    answer = provider.through(browser, way(browser.get(page).text, CONFIRM))
    return browser.get(answer["Location"]) if answer.status_code == 302 else answer


def shows_a_secret(browser: Client, answer: HttpResponse) -> bool:
    return answer.status_code == 302 and "Your client secret" in browser.get(answer["Location"]).text


def test_a_new_sign_in_at_the_provider_replaces_the_mailed_code(provider, browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    assert not MailedCode.objects.exists()
    shown = at_provider(provider, browser, page)
    assert "You confirmed at Example account that it is you" in shown.text
    assert CONFIRM not in shown.text
    assert shows_a_secret(browser, browser.post(page, {"account": "1"}))
    assert Entry.objects.with_action(Action.STEPUP_PASSED).count() == 1


def test_the_sign_in_from_before_is_no_step_up(provider, browser, reveal) -> None:
    assert is_asked(browser.post(reveal))
    page = browser.post(reveal)["Location"]
    refused = browser.post(page, {"account": "1"})
    assert refused.status_code == 422
    assert "Confirm with your account first." in refused.text


def test_keydesk_asks_for_a_new_sign_in_of_the_level_that_is_set(provider, browser, reveal) -> None:
    asked = browser.get(way(browser.get(browser.post(reveal)["Location"]).text, CONFIRM))["Location"]
    for part in ("prompt=login", "max_age=0", "acr_values=urn%3Aexample%3Agold", "nonce=", "code_challenge="):
        assert part in asked


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        ({"acr": SILVER}, "You signed in there in a way that is not strong enough"),
        ({"acr": None}, "You signed in there in a way that is not strong enough"),
        ({"ts": int(time.time()) - 120}, "Your account did not ask you to sign in again"),
    ],
    ids=["acr too low", "no acr", "auth_time before the act"],
)
def test_a_weaker_or_older_sign_in_confirms_nothing(provider, browser, reveal, person: Any, sentence: str) -> None:
    page = browser.post(reveal)["Location"]
    shown = at_provider(provider, browser, page, **person)
    assert sentence in shown.text
    assert browser.post(page, {"account": "1"}).status_code == 422
    assert not Entry.objects.with_action(Action.STEPUP_PASSED).exists()
    at_provider(provider, browser, page)
    assert shows_a_secret(browser, browser.post(page, {"account": "1"}))


def test_another_account_confirms_nothing(provider, browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    provider.browsers.clear()  # there nobody is signed in
    assert at_provider(provider, browser, page, sub="mallory").status_code == 404
    assert is_signed_in(browser), "she stays signed in"
    assert browser.post(page, {"account": "1"}).status_code == 422


def test_it_counts_for_the_act_that_asked_for_it(provider, browser, reveal) -> None:
    """And not for another that waits, at another client."""
    other, _secret = factories.client()
    first = browser.post(reveal)["Location"]
    second = browser.post(reverse("contact:reveal_secret", args=[other.uid]))["Location"]
    at_provider(provider, browser, first)
    assert browser.post(second, {"account": "1"}).status_code == 422
    assert shows_a_secret(browser, browser.post(first, {"account": "1"}))


def test_acts_that_are_always_asked_are_asked_again(provider, browser) -> None:
    for _time in range(2):
        page = browser.post(reverse("contact:add_passkey"))["Location"]
        assert "?confirm=" in page
        at_provider(provider, browser, page)
        assert "?new=" in browser.post(page, {"account": "1"})["Location"]


def test_a_mailed_code_is_the_alternative(browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    assert "Mail me a code instead" in browser.get(page).text
    browser.post(page, {"again": "1"})
    assert MailedCode.objects.count() == 1


def test_where_an_account_is_needed_no_code_is_mailed(provider, browser, reveal, settings) -> None:
    settings.CONTACTS_REQUIRE_ACCOUNT = True
    page = browser.post(reveal)["Location"]
    assert "Mail me a code instead" not in browser.get(page).text
    browser.post(page, {"again": "1"})
    assert not MailedCode.objects.exists()
    at_provider(provider, browser, page)
    assert shows_a_secret(browser, browser.post(page, {"account": "1"}))


def test_a_contact_without_an_account_gets_a_code_as_before(provider, made) -> None:
    browser = browsers.of(factories.lotte(), stepped_up=False)
    page = browser.post(reverse("contact:reveal_secret", args=[made.uid]))["Location"]
    assert MailedCode.objects.count() == 1
    assert CONFIRM not in browser.get(page).text
