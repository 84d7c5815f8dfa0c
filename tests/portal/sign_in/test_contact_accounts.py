"""Accounts of contacts, at a real OpenID provider that listens on this machine: oidc-provider from npm."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.access import management_links
from clients.mail import rendering
from clients.models import ContactAccount, Mail, ManagementLink, User
from portal.config.environment import contact_provider
from portal.sign_in.contact_accounts import providers
from portal.web import form_rate_limits
from tests.portal.support import browsers, staff
from tests.portal.support.contact_provider import (
    Provider,
    is_signed_in,
    mailed_link,
    opened,
    running_provider,
    way,
)
from tests.support import factories, oidc

pytestmark = pytest.mark.django_db


def entries(action: Action) -> Any:
    return Entry.objects.with_action(action)


def account_of(user: User) -> ContactAccount:
    return ContactAccount.objects.get(user=user)


# --- Binding, and the next time ---------------------------------------------------------------------------------------
def test_the_first_opening_of_a_link_binds_the_account(provider, lotte, made) -> None:
    elsewhere, page = browsers.of(lotte), reverse("contact:client", args=[made.uid])
    browser, answer = opened(provider, lotte, target=page)
    assert answer["Location"] == page
    assert made.name in browser.get(page).text
    assert (account_of(lotte).issuer, account_of(lotte).subject) == (provider.issuer, "lotte")
    assert ManagementLink.objects.get().used_at
    [entry] = entries(Action.ACCOUNT_BOUND)
    assert entry.changes["account"] == [None, f"lotte at {provider.issuer}"]
    mail = Mail.objects.get(kind=Mail.Kind.ACCOUNT_CHANGED)
    assert mail.to == lotte.email
    assert rendering.render(mail, now=mail.created_at).subject == "You now sign in to Keydesk with an account"
    assert elsewhere.get(page).status_code == 302, "sessions from before have ended"
    assert not SocialAccount.objects.exists()


def test_the_next_time_the_account_alone_opens_the_page_that_was_wanted(provider, lotte, made) -> None:
    opened(provider, lotte)
    browser, page = Client(), reverse("contact:add_key", args=[made.uid])
    front = browser.get(browser.get(page)["Location"]).text
    assert provider.through(browser, way(front))["Location"] == page
    assert browser.get(page).status_code == 200
    assert entries(Action.ACCOUNT_USED).count() == 1
    assert {session.method for session in lotte.sessions.all()} == {"account"}
    assert "Account of the organisation" in browser.get(reverse("account:sessions")).text


def test_the_page_for_a_link_offers_the_account(provider, lotte) -> None:
    browser, asked = Client(), reverse("public:ask_link")
    opened(provider, lotte)
    provider.through(browser, way(browser.get(asked).text))
    assert is_signed_in(browser)


def test_without_a_provider_nothing_is_offered(lotte) -> None:
    for page in ("/", reverse("public:ask_link"), mailed_link(lotte)):
        assert "Continue with" not in Client().get(page).text


def test_a_bound_contact_opens_a_link_with_the_same_account(provider, lotte, made) -> None:
    opened(provider, lotte)
    page = reverse("contact:client", args=[made.uid])
    _browser, answer = opened(provider, lotte, target=page)
    assert answer["Location"] == page
    assert entries(Action.ACCOUNT_BOUND).count() == 1
    assert not ManagementLink.objects.filter(used_at=None).exists()


# --- Another account --------------------------------------------------------------------------------------------------
def test_another_account_with_the_link_of_a_bound_contact_is_not_found(provider, lotte) -> None:
    opened(provider, lotte)
    browser, answer = opened(provider, lotte, sub="mallory")
    assert answer.status_code == 404
    assert "lotte" not in answer.text.lower()
    assert not is_signed_in(browser)
    assert ManagementLink.objects.filter(used_at=None).count() == 1, "the link still works for its own contact"


def test_the_account_of_another_contact_is_not_found(provider, lotte) -> None:
    opened(provider, lotte)
    browser, answer = opened(provider, factories.wim(), sub="lotte")
    assert answer.status_code == 404
    assert not is_signed_in(browser)
    assert not ContactAccount.objects.filter(user=factories.wim()).exists()


@pytest.mark.parametrize("email", ["lotte@leiestroom.example", "noor@keydesk.example"])
@pytest.mark.parametrize("verified", [False, True])
def test_an_address_matches_nobody_verified_or_not(provider, lotte, email: str, verified: bool) -> None:
    """Neither a contact nor a member of staff."""
    factories.noor()
    app, browser = provider.app(), Client()
    provider.authenticates("stranger", claims={"email": email, "email_verified": verified})
    answer = provider.through(browser, reverse("account:with", args=[app["provider_id"]]))
    assert answer["Location"] == reverse("public:ask_link")
    assert "This account is not bound to a contact yet" in browser.get(answer["Location"]).text
    assert not is_signed_in(browser)
    assert not ContactAccount.objects.exists()


# --- Staff and contacts -----------------------------------------------------------------------------------------------
def test_the_invitation_of_staff_offers_no_account(provider) -> None:
    link = management_links.issue(user=factories.noor(), now=datetime.now(UTC), invitation=True)
    management_links.activate(link)
    page = Client().get(reverse("public:open_link", args=[management_links.token(link)])).text
    assert "Continue with" not in page


def test_a_contact_who_joined_the_staff_has_no_way_in_by_account(provider, lotte) -> None:
    opened(provider, lotte)
    User.objects.filter(pk=lotte.pk).update(role=User.Role.SECURITY)
    browser = Client()
    assert provider.through(browser, way(browser.get("/").text)).status_code == 404
    assert not is_signed_in(browser)


def test_an_account_of_staff_is_bound_to_no_contact(provider, lotte, settings, monkeypatch) -> None:
    """With one provider for both, an ID token could be used for either."""
    single_sign_on = {"provider_id": "sso", "name": "Staff", "client_id": "keydesk", "secret": "s"}
    apps = [{**single_sign_on, "settings": {"server_url": provider.issuer}}, provider.app()]
    monkeypatch.setitem(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS", apps)
    SocialAccount.objects.create(user=factories.noor(), provider="sso", uid="noor-1")
    _browser, answer = opened(provider, lotte, sub="noor-1")
    assert answer.status_code == 404
    assert not ContactAccount.objects.exists()
    assert "Continue with" not in Client().get(reverse("account_login")).text
    assert "Sign in with Example account" not in Client().get(reverse("account_login")).text


# --- What goes wrong at the provider ----------------------------------------------------------------------------------
def test_while_the_provider_is_away_nothing_is_lost(lotte, settings, monkeypatch, tmp_path: Path) -> None:
    browser, link = Client(), mailed_link(lotte)
    with running_provider(tmp_path) as ending:
        monkeypatch.setitem(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS", [ending.app()])
        ending.authenticates("lotte")
        start = way(browser.get(link).text)
        back = ending.visit(browser, browser.get(start)["Location"])
    for answer in (browser.get(back), browser.get(start)):  # between the two halves of a sign-in, and before one
        assert answer.status_code == 503
        assert "Your account cannot be used at the moment" in answer.text
        assert "Your link was not used up" in answer.text
        assert way(answer.text, "Try again") == start
    assert not is_signed_in(browser)
    browser.post(link)
    assert is_signed_in(browser)


def test_who_cancels_at_the_provider_can_try_again(provider, lotte) -> None:
    browser, link = Client(), mailed_link(lotte)
    provider.authenticates("lotte", deny=True)
    answer = provider.through(browser, way(browser.get(link).text))
    assert answer.status_code == 401
    assert "You did not sign in" in answer.text
    provider.authenticates("lotte")
    provider.through(browser, way(answer.text, "Try again"))
    assert is_signed_in(browser)


def test_an_answer_of_the_provider_works_once_and_in_its_browser(provider, lotte) -> None:
    opened(provider, lotte)
    browser, other = Client(), Client()
    back = provider.visit(browser, browser.get(way(browser.get("/").text))["Location"])
    assert other.get(back).status_code == 503
    assert not is_signed_in(other)
    browser.get(back)
    assert is_signed_in(browser)
    browser.post(reverse("account:sign_out"))
    assert browser.get(back).status_code == 503
    assert not is_signed_in(browser)


@pytest.mark.parametrize("nonce", [None, "", "of-another-sign-in"])
def test_an_id_token_without_this_sign_ins_nonce_is_refused(lotte, settings, monkeypatch, nonce: str | None) -> None:
    """No certified provider sends one: this one answers what the test says."""
    with oidc.running_provider() as listening:
        app = {"name": "Example account", "issuer": listening.issuer, "client_id": oidc.CLIENT_ID}
        given = contact_provider(**app, secret=oidc.CLIENT_SECRET)
        monkeypatch.setitem(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS", [given])
        listening.person = {"sub": "lotte"} if nonce is None else {"sub": "lotte", "nonce": nonce}
        browser, at_provider = Client(), Provider(listening.issuer, Path(), None)
        answer = at_provider.through(browser, way(browser.get(mailed_link(lotte)).text))
    assert answer.status_code == 503
    assert not is_signed_in(browser)
    assert not ContactAccount.objects.exists()


def test_another_site_cannot_make_a_browser_bind_an_account(provider, lotte) -> None:
    """The way from a link is known to the browser that opened the link only."""
    start = way(Client().get(mailed_link(lotte)).text)
    victim = Client()
    assert victim.get(start)["Location"] == "/"
    assert "open for too long" in victim.get("/").text


def test_one_network_cannot_have_us_ask_the_provider_without_end(provider, monkeypatch) -> None:
    monkeypatch.setattr(form_rate_limits, "MAX_POSTS_PER_HOUR", 2)
    start = reverse("account:with", args=["contacts"])
    assert [Client().get(start)["Location"].startswith(provider.issuer) for _time in range(3)] == [True, True, False]


def test_each_of_two_providers_is_offered(provider, lotte, settings, monkeypatch) -> None:
    second = provider.app(name="Other account", number=2, issuer="http://127.0.0.1:9")
    apps = [provider.app(), second]
    monkeypatch.setitem(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS", apps)
    assert [one.id for one in providers()] == ["contacts", "contacts2"]
    page = Client().get(mailed_link(lotte)).text
    assert way(page) != way(page, "Continue with Other account")


# --- The Security team ------------------------------------------------------------------------------------------------
def test_the_security_team_sees_and_unbinds_a_lost_account(provider, lotte, made) -> None:
    browser, _answer = opened(provider, lotte)
    team, page = staff.signed_in(factories.noor()), reverse("security:client", args=[made.uid])
    account = way(team.get(page).text, "Account<")
    shown = team.get(account).text
    assert provider.issuer in shown
    assert "lotte" in shown
    assert team.post(account, {"reason": "Lost her telephone, case 4711"})["Location"] == page
    assert browser.get("/clients/").status_code == 302
    [entry] = entries(Action.ACCOUNT_UNBOUND)
    assert (entry.changes["account"], entry.note) == (
        [f"lotte at {provider.issuer}", None], "Lost her telephone, case 4711",
    )  # fmt: skip
    mail = Mail.objects.filter(kind=Mail.Kind.ACCOUNT_CHANGED).latest("created_at")
    assert "no longer bound to you" in rendering.render(mail, now=mail.created_at).body
    assert team.get(account).status_code == 404
    opened(provider, lotte, sub="lotte-2")
    assert account_of(lotte).subject == "lotte-2"
