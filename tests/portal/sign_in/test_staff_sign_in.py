"""Staff sign in with two factors, and with nothing less (docs/security.md, approval and access)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.models import User
from portal.sign_in.allauth_internals import TOTP
from portal.sign_in.staff import AccountAdapter
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.totp import code_now as code_of

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def no_counted_attempts() -> None:
    cache.clear()


def enrolled(user: User) -> User:
    user.set_password(PASSWORD)
    user.save()
    TOTP.activate(user, SECRET)
    return user


def code_now(secret: str = SECRET) -> str:
    return code_of(secret)


def type_password(browser: Client, user: User, password: str = PASSWORD):
    return browser.post(reverse("account_login"), {"login": user.email, "password": password})


def test_a_wrong_password_and_an_empty_form_are_answered_with_422() -> None:
    user = enrolled(factories.noor())
    assert type_password(Client(), user, "not the password").status_code == 422
    assert type_password(Client(), user, "").status_code == 422


def test_a_password_in_the_field_of_the_address_is_not_given_back() -> None:
    def page(login: str) -> str:
        return Client().post(reverse("account_login"), {"login": login, "password": "x"}).text

    assert PASSWORD not in page(PASSWORD)
    assert 'value="noor@agency"' in page("noor@agency")


def by_link(user: User) -> Client:
    """A session that began with the mailed link of an invitation."""
    return signed_in(user, method="link")


@pytest.mark.parametrize(
    ("person", "first_page"), [(factories.noor, "security:dashboard"), (factories.ada, "auditor:change_log")]
)
def test_a_password_and_a_code_sign_staff_in_and_lead_to_their_first_page(person, first_page) -> None:
    user, browser = enrolled(person()), Client()
    assert type_password(browser, user).url == reverse("mfa_authenticate")
    response = browser.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert response.url == reverse(first_page)
    assert browser.get(response.url).status_code == 200


def test_who_comes_for_a_page_is_led_to_it_once_signed_in() -> None:
    """A page that a colleague named, or one whose session ended: they were led to the dashboard."""
    user, browser = enrolled(factories.noor()), Client()
    page = f"{reverse('security:clients')}?state=active&q=a+b"
    way_in = re.search(r'href="(/accounts/sign-in/[^"]*)"', browser.get(page, follow=True).text)[1]
    browser.post(way_in, {"login": user.email, "password": PASSWORD})
    assert browser.post(reverse("mfa_authenticate"), {"code": code_now()}).url == page


@pytest.mark.parametrize("person", [factories.noor, factories.ada])
def test_every_page_leads_to_how_one_signs_in(person) -> None:
    page = signed_in(person()).get(reverse("auditor:change_log")).content.decode()
    assert f'href="{reverse("mfa_index")}"' in page


def test_a_password_alone_opens_nothing() -> None:
    user, browser = enrolled(factories.noor()), Client()
    type_password(browser, user)
    for name in ("security:queue", "auditor:change_log", "mfa_index", "mfa_activate_totp", "mfa_view_recovery_codes"):
        assert browser.get(reverse(name)).status_code == 302
    assert "_auth_user_id" not in browser.session


def test_a_wrong_second_factor_is_answered_with_422_and_says_so() -> None:
    user, halfway = enrolled(factories.noor()), Client()
    type_password(halfway, user)
    for answer, words in (
        ({"code": "000000"}, "This code is not right"),
        ({"code": ""}, "Fill in"),
        ({"credential": '{"id": "x"}'}, "This passkey did not work"),
    ):
        page = halfway.post(reverse("mfa_authenticate"), answer)
        assert (page.status_code, words in page.text) == (422, True), answer
    assert "_auth_user_id" not in halfway.session
    browser = signed_in(user)
    assert browser.post(reverse("account_reauthenticate"), {"password": "not the password"}).status_code == 422
    assert browser.post(reverse("mfa_reauthenticate"), {"code": "000000"}).status_code == 422
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert browser.get(reverse("mfa_add_webauthn")).status_code == 200
    assert browser.post(reverse("mfa_add_webauthn"), {"name": ""}).status_code == 422
    passkey = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Laptop", "credential": {}})
    assert browser.post(reverse("mfa_edit_webauthn", args=[passkey.pk]), {"name": ""}).status_code == 422
    new = by_link(factories.bram())
    new.post(reverse("account:setup"), {"password": PASSWORD})
    assert new.post(reverse("mfa_activate_totp"), {"code": "000000"}).status_code == 422


def test_a_stolen_password_before_a_second_factor_is_set_up_opens_nothing() -> None:
    user = factories.noor()
    user.set_password(PASSWORD)
    user.save()
    browser = Client()
    response = type_password(browser, user)
    assert response.url == reverse("account_login")
    assert "has no second factor yet" in browser.get(response.url).content.decode()
    assert "_auth_user_id" not in browser.session


@pytest.mark.usefixtures("in_one_window")
def test_wrong_passwords_are_slowed_down() -> None:
    user = enrolled(factories.noor())
    pages = [type_password(Client(), user, "wrong").content.decode() for _attempt in range(6)]
    assert "do not belong together" in pages[0]
    assert "Too many attempts" in pages[-1]


def test_an_invitation_leads_to_password_second_factor_and_sign_in() -> None:
    browser = by_link(factories.noor())
    assert browser.get(reverse("security:queue")).url == reverse("account:setup")
    assert browser.post(reverse("account:setup"), {"password": "short"}).status_code == 422
    assert browser.post(reverse("account:setup"), {"password": PASSWORD}).url == reverse("mfa_activate_totp")
    page = browser.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)[1]
    response = browser.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
    assert response.url == reverse("mfa_view_recovery_codes")
    assert len(re.findall(r"<li>[0-9a-f]{8}</li>", browser.get(response.url).content.decode())) == 10
    assert browser.get(reverse("account:setup")).url == reverse("account_login")
    assert "_auth_user_id" not in browser.session


@pytest.mark.django_db(transaction=True)
def test_how_staff_sign_in_changes_only_under_the_eyes_of_the_change_log() -> None:
    """An intruder in a session of theirs could add a second factor and come back with it."""
    user = factories.noor()
    browser = by_link(user)
    browser.post(reverse("account:setup"), {"password": PASSWORD})
    page = browser.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)[1]
    browser.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
    browser.post(reverse("mfa_generate_recovery_codes"))  # not by the link
    user.refresh_from_db()
    strong = signed_in(user)
    session = strong.session
    session["account_authentication_methods"][0]["reauthenticated"] = True
    session.save()
    strong.post(reverse("mfa_generate_recovery_codes"))
    entries = Entry.objects.with_action(Action.STAFF_SIGN_IN_CHANGED).order_by("seq")
    assert [entry.note for entry in entries] == ["password set", "totp activated", "recovery codes generated"]
    assert {(entry.actor_id, entry.address) for entry in entries} == {(user.audit_id, "127.0.0.1")}


def test_the_qr_code_is_drawn_in_the_page_as_no_other_source_is_allowed() -> None:
    browser = by_link(factories.noor())
    browser.post(reverse("account:setup"), {"password": PASSWORD})
    page = browser.get(reverse("mfa_activate_totp")).content.decode()
    assert 'aria-label="QR code for the authenticator app"' in page
    assert "data:" not in page


def test_a_link_alone_opens_no_page_but_those_that_set_a_second_factor_up() -> None:
    browser = by_link(factories.noor())
    for name in (
        "security:queue",
        "auditor:change_log",
        "mfa_index",
        "mfa_list_webauthn",
        "mfa_generate_recovery_codes",
    ):
        assert browser.get(reverse(name)).url == reverse("account:setup")


def test_a_page_that_sets_a_second_factor_up_has_no_search_as_it_would_find_nothing() -> None:
    assert 'role="search"' not in by_link(factories.bram()).get(reverse("account:setup")).text
    assert 'role="search"' in Client().get(reverse("account_login")).text


def test_a_link_is_no_way_around_a_second_factor_that_exists() -> None:
    user = enrolled(factories.noor())
    Authenticator.objects.update(created_at=datetime.now(UTC) - timedelta(days=1))
    for name in ("account:setup", "mfa_add_webauthn", "mfa_view_recovery_codes", "account_reauthenticate"):
        browser = by_link(user)
        assert browser.get(reverse(name)).url == reverse("account_login")
        assert "_auth_user_id" not in browser.session


def test_the_page_that_asks_for_the_password_leads_to_its_choice_before_there_is_one() -> None:
    """The answer was 403, as allauth found nothing with which the person could confirm who they are."""
    user = factories.bram()
    user.set_unusable_password()
    user.save()
    assert by_link(user).get(reverse("account_reauthenticate")).url == reverse("account:setup")


def test_one_way_to_confirm_who_one_is_leads_to_the_other_in_our_words() -> None:
    """Those of allauth say "je" in Dutch."""
    browser = signed_in(enrolled(factories.noor()))
    browser.cookies["keydesk-language"] = "nl"
    assert "Gebruik uw wachtwoord" in browser.get(reverse("mfa_reauthenticate")).text
    assert "Gebruik een code van de app of een herstelcode" in browser.get(reverse("account_reauthenticate")).text


def test_a_passkey_is_renamed_in_words_of_the_page_and_within_bounds() -> None:
    user = enrolled(factories.noor())
    browser = signed_in(user)
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    passkey = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Laptop", "credential": {}})
    page = reverse("mfa_edit_webauthn", args=[passkey.pk])
    assert "Name of the passkey" in browser.get(page).text
    browser.post(page, {"name": "x" * 61})
    passkey.refresh_from_db()
    assert passkey.data["name"] == "Laptop"
    browser.post(page, {"name": "Blue key"})
    passkey.refresh_from_db()
    assert passkey.data["name"] == "Blue key"


def test_a_password_that_is_too_short_is_refused_in_the_language_of_the_page() -> None:
    browser = by_link(factories.bram())
    for language, words in (("en", "needs at least 12 characters"), ("nl", "telt minstens 12 tekens")):
        browser.cookies["keydesk-language"] = language
        answer = browser.post(reverse("account:setup"), {"password": "short"})
        assert answer.status_code == 422
        assert words in answer.text.partition("govuk-error-message")[2]


def test_a_closed_account_cannot_sign_in() -> None:
    user = enrolled(factories.noor())
    User.objects.filter(pk=user.pk).update(is_active=False)
    browser = Client()
    type_password(browser, user)
    assert "_auth_user_id" not in browser.session


def test_the_only_second_factor_of_a_staff_member_stays() -> None:
    user = enrolled(factories.noor())
    browser = signed_in(user)
    browser.post(reverse("mfa_reauthenticate"), {"code": code_now()})
    assert "This is your only second factor" in browser.get(reverse("mfa_deactivate_totp")).content.decode()
    browser.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=user, type="totp").exists()


def test_the_only_passkey_of_a_staff_member_without_an_app_stays() -> None:
    """The factor was deleted, and with it the way in: only an operator could let them in again."""
    user = enrolled(factories.noor())
    Authenticator.objects.filter(user=user).delete()
    browser = signed_in(user)
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    only, other = (
        Authenticator.objects.create(user=user, type="webauthn", data={"name": name, "credential": {}})
        for name in ("Laptop", "Key")
    )
    only_page, other_page = (reverse("mfa_remove_webauthn", args=[passkey.pk]) for passkey in (only, other))
    assert browser.post(other_page).url == reverse("mfa_list_webauthn")
    assert "This is your only second factor" in browser.get(only_page).text
    assert browser.post(only_page).status_code == 409
    assert Authenticator.objects.get(user=user, type="webauthn") == only


def test_there_is_no_sign_up_and_no_password_reset() -> None:
    assert not AccountAdapter().is_open_for_signup(None)
    for path in ("/accounts/signup/", "/accounts/password/reset/", "/accounts/sso/"):
        assert Client().get(path).status_code == 404


def test_the_sign_in_page_sends_one_only_to_pages_of_this_site() -> None:
    user, browser = enrolled(factories.noor()), Client()
    browser.post(reverse("account_login") + "?next=//evil.example/", {"login": user.email, "password": PASSWORD})
    response = browser.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert response.url == reverse("security:dashboard")
