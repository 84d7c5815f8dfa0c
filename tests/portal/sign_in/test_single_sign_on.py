"""Staff sign in through an OpenID provider: a real one that listens on this machine (tests/support/oidc.py)."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from clients.access import management_links
from clients.acts.people import staff
from clients.models import User
from tests.support import factories
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

pytestmark = pytest.mark.django_db

LOGIN = {"provider_id": "sso"}


@pytest.fixture(scope="module")
def listening() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(listening: Provider, settings, monkeypatch) -> Provider:
    cache.clear()
    listening.person, listening.audience = {}, CLIENT_ID
    app = {"provider_id": "sso", "name": "Example account", "client_id": CLIENT_ID, "secret": CLIENT_SECRET}
    app["settings"] = {"server_url": listening.issuer}
    monkeypatch.setitem(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS", [app])
    return listening


def come_back_from(provider: Provider, browser: Client, start: str = "", **claims: object) -> str:
    """Goes to the provider as this person, and back; the address that Keydesk then leads to."""
    provider.person = {"sub": "42", "email_verified": True, **claims}
    leaves = browser.get(start or reverse("openid_connect_login", kwargs=LOGIN))
    assert leaves.status_code == 302
    return browser.get(visit(leaves.url)).url


def visit(url: str) -> str:
    """Open the provider's address like a browser, and return the address that it redirects to."""
    address = urlsplit(url)
    connection = HTTPConnection(address.netloc)
    connection.request("GET", f"{address.path}?{address.query}")
    return connection.getresponse().headers["Location"]


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


@pytest.mark.parametrize(
    ("person", "first_page"), [(factories.noor, "security:dashboard"), (factories.ada, "auditor:change_log")]
)
def test_staff_come_in_through_the_provider_without_our_second_factor(provider, person, first_page) -> None:
    browser = Client()
    assert come_back_from(provider, browser, email=person().email) == reverse(first_page)
    assert browser.get(reverse(first_page)).status_code == 200
    # The next time the provider's own id for the person is enough, and known.
    again = Client()
    assert come_back_from(provider, again, email="changed@example.org") == reverse(first_page)


def test_a_deep_link_survives_single_sign_on(provider) -> None:
    noor, browser, page = factories.noor(), Client(), "/security/clients/?q=leiestroom"
    front_page = browser.get(browser.get(page)["Location"]).text
    [way] = re.findall(r'href="(/accounts/sign-in/\?[^"]+)"', front_page)
    [button] = re.findall(r'href="(/accounts/sso/[^"]+)"', browser.get(html.unescape(way)).text)
    assert come_back_from(provider, browser, start=html.unescape(button), email=noor.email) == page


def test_the_code_is_bound_to_this_sign_in_and_to_our_own_address(provider, settings) -> None:
    come_back_from(provider, Client(), email=factories.noor().email)
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["redirect_uri"].endswith(reverse("openid_connect_callback", kwargs=LOGIN))
    assert "openid" in provider.asked["scope"].split()


@pytest.mark.parametrize(
    ("claims", "who"),
    [
        ({"email": "stranger@example.org"}, "somebody we do not know"),
        ({"email": "lotte@leiestroom.example"}, "a contact"),
        ({"email": "noor@keydesk.example", "email_verified": False}, "an address that the provider did not verify"),
        ({}, "no address at all"),
    ],
)
def test_the_provider_opens_nothing_for(provider, claims, who) -> None:
    factories.noor(), factories.lotte()
    before, browser = User.objects.count(), Client()
    assert come_back_from(provider, browser, **claims) == reverse("account_login")
    assert "We do not know this account" in browser.get(reverse("account_login")).content.decode()
    assert not is_signed_in(browser), who
    assert User.objects.count() == before


def test_a_closed_account_stays_closed(provider) -> None:
    noor = factories.noor()
    come_back_from(provider, Client(), email=noor.email)
    User.objects.filter(pk=noor.pk).update(is_active=False)
    browser = Client()
    come_back_from(provider, browser, email=noor.email)
    assert not is_signed_in(browser)


def test_a_link_is_no_way_around_single_sign_on(provider) -> None:
    """An invitation that is still in their mailbox opens no second way in."""
    noor = factories.noor()
    come_back_from(provider, Client(), email=noor.email)
    now = datetime.now(UTC) + timedelta(seconds=1)
    link = management_links.issue(user=noor, now=now, invitation=True)
    management_links.activate(link)
    browser = Client()
    browser.post(reverse("public:open_link", args=[management_links.token(link)]))
    assert browser.get(reverse("account:setup")).url == reverse("account_login")
    assert not is_signed_in(browser)


def test_an_operator_can_have_who_lost_their_way_in_set_up_another(provider) -> None:
    noor = factories.noor()
    come_back_from(provider, Client(), email=noor.email)
    staff.invite_staff(
        email=noor.email, name="", role=noor.role, by=factories.SYSTEM, now=datetime.now(UTC), forget_sign_in=True
    )
    link = noor.links.get()
    management_links.activate(link)
    browser = Client()
    browser.post(reverse("public:open_link", args=[management_links.token(link)]))
    assert "Choose a password" in browser.get(reverse("account:setup")).content.decode()


def test_an_answer_that_belongs_to_another_sign_in_is_refused(provider) -> None:
    """A code of somebody else, pasted into the browser, and an ID token for another application."""
    noor = factories.noor()
    provider.person = {"sub": "42", "email": noor.email, "email_verified": True}
    hers = Client()
    callback = visit(hers.get(reverse("openid_connect_login", kwargs=LOGIN)).url)
    victim = Client()
    victim.get(callback)
    assert not is_signed_in(victim)
    hers.get(callback)
    assert is_signed_in(hers)

    provider.audience = "another-application"
    browser = Client()
    callback = visit(browser.get(reverse("openid_connect_login", kwargs=LOGIN)).url)
    browser.get(callback)
    assert not is_signed_in(browser)


def test_the_sign_in_page_offers_the_provider_only_where_there_is_one(provider) -> None:
    assert "Sign in with Example account" in Client().get(reverse("account_login")).content.decode()


def test_without_a_provider_there_is_no_button_and_no_address() -> None:
    assert "/sso/" not in Client().get(reverse("account_login")).content.decode()
    assert Client().get(reverse("openid_connect_login", kwargs=LOGIN)).status_code == 404
