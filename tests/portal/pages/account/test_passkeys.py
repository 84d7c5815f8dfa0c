"""Passkeys of contacts: what needs no device. With one: tests/e2e/people/test_contacts.py."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client as Browser
from django.urls import reverse

from clients.models import MailedCode, User
from tests.portal.support import browsers
from tests.portal.support.browsers import confirmed
from tests.support import factories

pytestmark = pytest.mark.django_db


def has_a_passkey(user: User) -> Authenticator:
    """As far as our pages look: what is in it only a device could make."""
    data = {"name": "Laptop", "credential": {}}
    return Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=data)


def test_a_link_alone_adds_no_passkey(lotte) -> None:
    text = browsers.of(lotte, stepped_up=False).post(reverse("contact:add_passkey"), follow=True).text
    assert "six-digit code" in text
    assert "mfa_webauthn_add" not in text


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_form_for_a_passkey_is_no_way_around_the_step_up(lotte, method) -> None:
    for browser in (browsers.of(lotte), browsers.of(lotte, stepped_up=False)):
        for address in (reverse("contact:new_passkey"), reverse("contact:new_passkey") + "?new=x"):
            assert getattr(browser, method)(address)["Location"] == reverse("contact:passkeys")


def asks_the_device(browser: Browser) -> str:
    """The address of the form, after the step-up."""
    return confirmed(browser, reverse("contact:add_passkey"))["Location"]


def test_after_the_step_up_the_device_is_asked_to_check_who_holds_it(lotte) -> None:
    browser = browsers.of(lotte)
    text = browser.get(asks_the_device(browser)).text
    assert '"userVerification": "required"' in text
    assert '"residentKey": "required"' in text


@pytest.mark.parametrize("credential", ["", "x", "{}", "[]", "null", '{"id": 1}', '"é"'])
def test_what_no_device_made_is_refused(lotte, credential) -> None:
    browser = browsers.of(lotte)
    address = asks_the_device(browser)
    browser.get(address)
    assert browser.post(address, {"name": "Laptop", "credential": credential}).status_code == 422
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("credential", ["", "x", "{}", "[]", "null", '{"id": 1}', '{"response": {"userHandle": "MQ"}}'])
def test_what_no_device_made_signs_nobody_in(lotte, credential) -> None:
    browser = Browser()
    assert browser.post(reverse("mfa_login_webauthn"), {"credential": credential}).status_code == 302
    assert "_auth_user_id" not in browser.session


def test_allauths_own_pages_are_no_way_around_the_step_up(lotte) -> None:
    browser = browsers.of(lotte)
    for name in ("mfa_index", "mfa_add_webauthn", "mfa_activate_totp", "mfa_list_webauthn"):
        assert browser.get(reverse(name)).status_code == 404


def test_the_passkey_of_another_person_cannot_be_removed(lotte) -> None:
    theirs = has_a_passkey(factories.wim())
    assert browsers.of(lotte).post(reverse("contact:remove_passkey", args=[theirs.pk])).status_code == 404
    assert Authenticator.objects.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize("answer", ["x", "{}", "[]", "null", '{"id": 1}'])
def test_what_no_passkey_signed_is_no_step_up(lotte, made, answer, monkeypatch) -> None:
    has_a_passkey(lotte)
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda _user: [])  # there is no device
    browser = browsers.of(lotte, stepped_up=False)
    url = reverse("contact:reveal_secret", args=[made.uid])
    page = browser.post(url)["Location"]
    assert "Use your passkey" in browser.get(page).text
    assert not MailedCode.objects.exists(), "a mail that nobody needs"
    refused = browser.post(page, {"passkey": answer})
    assert refused.status_code == 422
    assert "This passkey did not work" in refused.content.decode()


def test_without_the_device_at_hand_a_code_is_mailed_instead(lotte, made) -> None:
    has_a_passkey(lotte)
    browser = browsers.of(lotte, stepped_up=False)
    page = browser.post(reverse("contact:reveal_secret", args=[made.uid]))["Location"]
    text = browser.post(page, {"again": "1"}, follow=True).text
    assert "We sent a six-digit code" in text
    assert "Use your passkey" in text
    assert MailedCode.objects.count() == 1
