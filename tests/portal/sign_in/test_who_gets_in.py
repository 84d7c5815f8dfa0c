"""Sessions: their begin and end, sign-in by mail, staff and their second factor."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: TID251  (no product code makes them)
from django.core.cache import cache
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse

from clients.access import management_links
from clients.access.session_store import digest
from clients.acts.people import contacts
from clients.acts.people import staff as people
from clients.models import Mail, ManagementLink, Session, User
from clients.tasks import delete_ended_sessions
from portal.web import form_rate_limits
from tests.portal.sign_in.test_staff_sign_in import SECRET, code_now, enrolled, type_password
from tests.portal.support import browsers, staff
from tests.portal.support.addresses import arguments
from tests.portal.test_access import MATRIX
from tests.support import factories
from tests.support.factories import SYSTEM, by, lotte, noor, wim
from tests.support.parallel import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counted_attempts() -> None:
    cache.clear()


def link_of(user: User) -> str:
    link = management_links.issue(user=user, now=datetime.now(UTC), invitation=user.is_staff_member)
    management_links.activate(link)
    return reverse("public:open_link", args=[management_links.token(link)])


# --- Sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "limit"), [("seen_at", timedelta(hours=1)), ("started_at", timedelta(hours=8))])
def test_a_session_ends_after_an_idle_hour_or_when_eight_hours_old(field: str, limit: timedelta) -> None:
    browser = browsers.of(lotte())
    assert browser.get(reverse("contact:clients")).status_code == 200
    session = browser.session
    for seconds, status in ((-60, 200), (60, 302)):
        now = time.time()
        session.update({"started_at": now - 3600, "seen_at": now, field: now - limit.total_seconds() - seconds})
        session.save()
        assert browser.get(reverse("contact:clients")).status_code == status
    assert "_auth_user_id" not in browser.session


def test_a_form_sent_after_the_session_ended_says_that_nothing_was_done() -> None:
    browser, review = staff.signed_in(noor()), reverse("security:review", args=[factories.submitted_request().uid])
    session = browser.session
    session.update({"started_at": time.time() - 7200, "seen_at": time.time() - 7200})
    session.save()
    sent = browser.post(review, {"decision": "reject", "message": "No."}, follow=True)
    assert "Your form was not processed" in sent.text
    assert "what you just sent" not in browser.get(review, follow=True).text


def test_use_keeps_a_session_from_being_idle_but_not_from_growing_old() -> None:
    browser = browsers.of(lotte())
    browser.get(reverse("contact:clients"))
    session, started = browser.session, time.time() - 7.9 * 3600
    session.update({"started_at": started, "seen_at": time.time() - 3000})
    session.save()
    browser.get(reverse("contact:clients"))
    assert browser.session["seen_at"] > time.time() - 5
    assert browser.session["started_at"] == started


def test_a_planted_session_key_opens_nothing_after_the_sign_in() -> None:
    victim, attacker = Browser(), Browser()
    victim.get(reverse("public:request_client"))
    planted = victim.session
    planted["mark"] = "planted"
    planted.save()
    for browser in (victim, attacker):
        browser.cookies["keydesk"] = planted.session_key
    victim.post(link_of(lotte()))
    assert victim.get(reverse("contact:clients")).status_code == 200
    assert attacker.get(reverse("contact:clients")).status_code == 302
    assert "mark" not in victim.session


def test_signing_out_ends_the_session_on_the_server() -> None:
    browser = browsers.of(lotte())
    key = browser.session.session_key
    browser.post(reverse("account:sign_out"))
    assert not Session.objects.filter(session_key=digest(key)).exists()


def test_the_database_holds_no_session_key() -> None:
    key = browsers.of(lotte()).session.session_key
    stored = Session.objects.get().session_key
    assert stored == digest(key) != key
    thief = Browser()
    thief.cookies["keydesk"] = stored
    assert thief.get(reverse("contact:clients")).status_code == 302


def test_sessions_that_ended_are_forgotten_and_others_are_not() -> None:
    ended, open_ = browsers.of(lotte()).session.session_key, browsers.of(wim()).session.session_key
    Session.objects.filter(session_key=digest(ended)).update(expire_date=datetime.now(UTC) - timedelta(seconds=1))
    idle = browsers.of(lotte())
    idle.get(reverse("contact:clients"))
    Session.objects.filter(session_key=digest(idle.session.session_key)).update(
        seen_at=datetime.now(UTC) - timedelta(seconds=3601)
    )
    delete_ended_sessions()
    assert set(Session.objects.values_list("session_key", flat=True)) == {digest(open_)}


def test_a_person_who_is_deactivated_is_out_at_once() -> None:
    browser = browsers.of(lotte())
    User.objects.filter(pk=lotte().pk).update(is_active=False)
    assert browser.get(reverse("contact:clients")).status_code == 302
    assert Browser().post(link_of(lotte())).status_code == 404


def test_a_contact_who_was_removed_loses_the_client_and_the_open_link() -> None:
    client, _secret = factories.client()
    now = datetime.now(UTC)
    row = contacts.add(client=client, email=wim().email, name="", role="editor", by=by(lotte()), now=now)
    browser, link = browsers.of(wim()), management_links.issue(user=wim(), now=now)
    management_links.activate(link)
    assert browser.get(reverse("contact:client", args=[client.uid])).status_code == 200
    contacts.remove(contact=row, by=by(lotte()), now=now)
    assert browsers.of(wim()).get(reverse("contact:client", args=[client.uid])).status_code == 404
    assert Browser().get(reverse("public:open_link", args=[management_links.token(link)])).status_code == 404


# --- Asking for a link ------------------------------------------------------------------------------------------------


def test_asking_for_a_link_takes_as_long_for_unknown_addresses() -> None:
    lotte()

    def seconds(address: str) -> float:
        began = time.perf_counter()
        assert Browser().post(reverse("public:ask_link"), {"email": address}).status_code == 302
        return time.perf_counter() - began

    known, unknown = ([seconds(address) for _time in range(3)] for address in (lotte().email, "nobody@example.org"))
    assert min(*known, *unknown) >= 0.25
    assert abs(median(known) - median(unknown)) < 0.1
    assert Mail.objects.filter(kind=Mail.Kind.LINK).count() == 3


@pytest.mark.django_db(transaction=True)
def test_twenty_requests_at_once_mail_five_links() -> None:
    person, now = lotte(), datetime.now(UTC)
    at_once(20, lambda _number: contacts.mail_fresh_link(email=person.email, by=SYSTEM, now=now))
    assert ManagementLink.objects.count() == contacts.LINKS_PER_HOUR
    assert ManagementLink.objects.open().count() == 1


def test_staff_get_no_link_from_the_public_page() -> None:
    Browser().post(reverse("public:ask_link"), {"email": noor().email})
    assert not Mail.objects.exists()


def test_one_network_cannot_have_the_public_forms_mail_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_rate_limits, "MAX_POSTS_PER_HOUR", 2)
    monkeypatch.setattr("portal.pages.account.links.MIN_ANSWER_TIME_S", 0)

    def ask(address: str) -> Any:
        return Browser(REMOTE_ADDR=address).post(reverse("public:ask_link"), {"email": lotte().email})

    pages = [ask(f"2001:db8::{number}") for number in range(4)]  # one customer's network
    assert [page.status_code for page in pages] == [302, 302, 422, 422]
    assert "Too many requests from your network" in pages[-1].text
    assert lotte().email in pages[-1].text  # nothing typed is lost
    assert ask("192.0.2.44").status_code == 302


# --- Staff ------------------------------------------------------------------------------------------------------------


def test_a_password_alone_opens_no_more_addresses_than_a_stranger_has(things: dict[str, Any]) -> None:
    browser = Browser()
    type_password(browser, enrolled(noor()))
    opened = []
    for name, rows in MATRIX.items():
        for method, row in zip(("get", "post"), rows, strict=True):
            status = getattr(browser, method)(reverse(name, kwargs=arguments(name, things))).status_code
            if status == 200 and row.split()[0] != "200" and name != "mfa_authenticate":
                opened.append(f"{method} {name}")
    assert not opened
    assert "_auth_user_id" not in browser.session


@pytest.mark.parametrize("path", [
    "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/change/", "/accounts/password/set/",
    "/accounts/email/", "/accounts/login/", "/accounts/login/code/", "/accounts/login/code/confirm/",
    "/accounts/confirm-email/x/", "/accounts/3rdparty/", "/accounts/3rdparty/signup/", "/accounts/logout/",
    "/accounts/phone/change/", "/accounts/sso/oidc/other/login/", "/admin/", "/_allauth/browser/v1/config",
])  # fmt: skip
def test_what_allauth_offers_and_we_do_not_has_no_address(path: str) -> None:
    for browser in (Browser(), staff.signed_in(noor()), browsers.of(lotte())):
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"email": noor().email}).status_code == 404


def test_a_code_of_the_app_works_once() -> None:
    user, code = enrolled(noor()), code_now()
    for browser, works in ((Browser(), True), (Browser(), False)):
        type_password(browser, user)
        browser.post(reverse("mfa_authenticate"), {"code": code})
        assert ("_auth_user_id" in browser.session) is works


def test_a_recovery_code_works_once() -> None:
    user = enrolled(noor())
    code = RecoveryCodes.activate(user).generate_codes()[0]
    for browser, works in ((Browser(), True), (Browser(), False)):
        type_password(browser, user)
        browser.post(reverse("mfa_authenticate"), {"code": code})
        assert ("_auth_user_id" in browser.session) is works


@pytest.mark.usefixtures("in_one_window")
def test_guessing_the_code_of_the_app_is_slowed_down() -> None:
    user, browser = enrolled(noor()), Browser()
    type_password(browser, user)
    pages = [browser.post(reverse("mfa_authenticate"), {"code": "000000"}).text for _guess in range(7)]
    assert "Too many attempts" in pages[-1]
    browser.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert "_auth_user_id" not in browser.session


def test_the_database_alone_does_not_open_a_second_factor() -> None:
    user = enrolled(noor())
    seed = RecoveryCodes.activate(user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row::text, '') FROM mfa_authenticator row")
        stored = cursor.fetchone()[0]
    assert SECRET not in stored
    assert not any(code in stored for code in seed.generate_codes())


def test_second_factors_are_sealed_anew_with_the_first_key(settings: Any) -> None:
    user = enrolled(noor())
    settings.SECRETS_KEYS = {"new": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE", **settings.SECRETS_KEYS}
    assert people.reencrypt_second_factors() == 1
    assert people.reencrypt_second_factors() == 0
    settings.SECRETS_KEYS = {"new": settings.SECRETS_KEYS["new"]}
    assert Authenticator.objects.get(user=user).wrap().validate_code(code_now())


def test_a_contacts_link_adds_no_passkey_or_other_way_in() -> None:
    browser = Browser()
    browser.post(link_of(lotte()))
    for name in ("mfa_index", "mfa_add_webauthn", "mfa_activate_totp", "account_reauthenticate"):
        for method in ("get", "post"):
            assert getattr(browser, method)(reverse(name)).status_code == 404
    assert not Authenticator.objects.exists()


def test_who_joins_the_staff_starts_anew() -> None:
    """A contact's session came by a mailed link, perhaps long ago, perhaps somebody else's."""
    before = browsers.of(lotte())
    people.invite_staff(
        email=lotte().email, name="", role=User.Role.SECURITY, by=SYSTEM, now=datetime.now(UTC)
    )  # fmt: skip
    assert before.get(reverse("account:setup")).status_code == 302
    assert "_auth_user_id" not in before.session


def test_who_leaves_the_staff_is_signed_out_at_once_and_comes_in_no_more() -> None:
    user = enrolled(noor())
    browser = staff.signed_in(user)
    assert browser.get(reverse("security:queue")).status_code == 200
    people.deactivate_staff(email=user.email, reason="", by=SYSTEM, now=datetime.now(UTC))
    assert browser.get(reverse("security:queue")).status_code == 302
    user.refresh_from_db()
    assert staff.signed_in(user).get(reverse("security:queue")).status_code == 302
    assert not user.links.usable(datetime.now(UTC)).exists()


def test_the_setup_page_keeps_the_password_to_itself() -> None:
    browser = staff.signed_in(noor(), method="link")
    page = browser.post(reverse("account:setup"), {"password": "hunter2"}).text
    assert "hunter2" not in page
    assert 'autocomplete="new-password"' in page
