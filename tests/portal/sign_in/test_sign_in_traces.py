"""Traces of sign-ins and failures: entries of the change log, or lines of the process log."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: TID251  (no product code makes them)
from django.test import Client as Browser
from django.urls import reverse
from structlog.testing import capture_logs

from audit.actions import Action
from audit.models import Entry
from clients.actors import ANONYMOUS, Actor
from clients.authentication import staff_sign_ins
from clients.models import Mail, User
from tests.foundation.test_log_lines import written
from tests.portal.pages.account.test_passkeys import has_a_passkey
from tests.portal.sign_in.test_sign_in_limits import ELSEWHERE, HERE, browser_at, sign_in, try_password
from tests.portal.sign_in.test_staff_sign_in import PASSWORD, code_now, enrolled
from tests.portal.support import browsers
from tests.support import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_one_window")]

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture(autouse=True)
def _passwords_are_hashed_in_no_time(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada(db) -> User:
    return enrolled(factories.ada())


def events(name: str, logged: list[dict[str, object]]) -> list[dict[str, object]]:
    return [line for line in logged if line["event"] == name]


# --- Staff who get in -------------------------------------------------------------------------------------------------


def test_a_sign_in_is_an_entry_with_how_and_from_where(ada) -> None:
    browser = browser_at(HERE)
    try_password(browser, ada.email, PASSWORD)
    assert not Entry.objects.with_action(Action.STAFF_SIGNED_IN).exists(), "with half of it nobody is in"
    answer = browser.post(reverse("mfa_authenticate"), {"code": code_now()})
    (entry,) = Entry.objects.with_action(Action.STAFF_SIGNED_IN)
    assert (entry.actor_id, entry.note) == (ada.audit_id, "password and authenticator app")
    assert (entry.address, entry.request_id) == (HERE, answer["X-Request-Id"])


def test_signing_out_is_an_entry_and_only_of_who_was_in(ada) -> None:
    browser = sign_in(browser_at(HERE), ada)
    for _ in range(3):
        browser.post(reverse("account:sign_out"))
    (entry,) = Entry.objects.with_action(Action.STAFF_SIGNED_OUT)
    assert (entry.actor_id, entry.address) == (ada.audit_id, HERE)


@pytest.mark.parametrize("limit", ["idle", "absolute"])
def test_a_session_that_the_clock_ended_is_a_line_of_the_log(ada, limit) -> None:
    browser = sign_in(browser_at(HERE), ada)
    browser.get(reverse("auditor:change_log"))
    session, hours = browser.session, 2 if limit == "idle" else 9
    session["seen_at" if limit == "idle" else "started_at"] -= hours * 3600
    session.save()
    with capture_logs() as logged:
        assert browser.get(reverse("auditor:change_log")).status_code == 302
    assert [line["user"] for line in events("session_ended", logged)] == [ada.audit_id]


def test_a_sign_in_from_a_new_device_or_network_is_mailed(ada) -> None:
    def mails(browser: Browser) -> int:
        before = Mail.objects.filter(kind=Mail.Kind.NEW_SIGN_IN).count()
        sign_in_again(browser, ada)
        return Mail.objects.filter(kind=Mail.Kind.NEW_SIGN_IN).count() - before

    laptop = browser_at(HERE)
    laptop.defaults["HTTP_USER_AGENT"] = FIREFOX
    assert mails(laptop) == 1
    mail = Mail.objects.get(kind=Mail.Kind.NEW_SIGN_IN)
    assert (mail.to, mail.facts["network"], mail.facts["browser"]) == (ada.email, "192.0.2.0/24", "Firefox, Windows")
    assert mails(browser_at(HERE, like=laptop)) == 0
    assert mails(browser_at("192.0.2.77", like=laptop)) == 0
    assert mails(browser_at(ELSEWHERE, like=laptop)) == 1
    assert mails(browser_at(HERE)) == 1


def sign_in_again(browser: Browser, user: User) -> None:
    """With a recovery code, because a code of the app works once in its half minute."""
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    assert try_password(browser, user.email, PASSWORD) == "in"
    browser.post(reverse("mfa_authenticate"), {"code": code})
    assert "_auth_user_id" in browser.session


# --- Failures ---------------------------------------------------------------------------------------------------------


def test_a_failure_is_a_line_of_the_log_and_says_nothing_that_was_typed(ada) -> None:
    with capture_logs() as logged:
        for login, password in ((ada.email, "wrong-4711"), ("nobody-4711@x.example", "wrong-4711")):
            try_password(browser_at(HERE), login, password)
    known, unknown = events("sign_in_failed", logged)
    assert (known["factor"], known["user"], unknown["user"]) == ("password", ada.audit_id, "")
    assert "4711" not in str(logged)


def test_the_first_failure_of_an_hour_is_an_entry(ada) -> None:
    """Guesses cannot fill the change log; auditors see since when it was tried, and from where."""
    for login in (ada.email, "nobody-4711@x.example", ada.email):
        try_password(browser_at(HERE), login, "wrong-4711")
    (entry,) = Entry.objects.with_action(Action.STAFF_SIGN_IN_FAILED)
    assert (entry.actor_id, entry.subject_id, entry.address) == ("system:anonymous", ada.audit_id, HERE)
    assert entry.note == "password"
    for minutes, entries in ((59, 1), (61, 2)):
        now = entry.at + timedelta(minutes=minutes)
        staff_sign_ins.note_failed(user=ada, factor="code", by=Actor(user=None, system=ANONYMOUS), now=now)
        assert Entry.objects.with_action(Action.STAFF_SIGN_IN_FAILED).count() == entries
    assert "4711" not in str(Entry.objects.values())


def test_a_second_factor_that_failed_is_an_entry(ada) -> None:
    browser = browser_at(HERE)
    try_password(browser, ada.email, PASSWORD)
    browser.post(reverse("mfa_authenticate"), {"code": "000000"})
    (entry,) = Entry.objects.with_action(Action.STAFF_SIGN_IN_FAILED)
    assert (entry.subject_id, entry.note) == (ada.audit_id, "code")


def test_the_line_of_a_failure_has_the_id_and_address_of_the_request(ada, caplog: pytest.LogCaptureFixture) -> None:
    answer = browser_at(HERE).post(reverse("account_login"), {"login": ada.email, "password": "wrong"})
    (record,) = [record for record in caplog.records if record.name == "portal.sign_in"]
    line = written(record)
    assert (line["event"], line["address"], line["request_id"]) == ("sign_in_failed", HERE, answer["X-Request-Id"])


@pytest.mark.parametrize(("form", "factor"), [({"code": "000000"}, "code"), ({"credential": '{"id": "x"}'}, "passkey")])
def test_a_wrong_second_factor_is_a_line_of_the_log(ada, form, factor) -> None:
    browser = browser_at(HERE)
    try_password(browser, ada.email, PASSWORD)
    with capture_logs() as logged:
        browser.post(reverse("mfa_authenticate"), form)
    assert [(line["factor"], line["user"]) for line in events("sign_in_failed", logged)] == [(factor, ada.audit_id)]


def test_a_passkey_that_nobody_has_is_a_line_of_the_log() -> None:
    with capture_logs() as logged:
        Browser().post(reverse("mfa_login_webauthn"), {"credential": '{"id": "x"}'})
    assert [(line["factor"], line["user"]) for line in events("sign_in_failed", logged)] == [("passkey", "")]


def test_attempts_that_are_refused_unread_are_lines_and_one_entry(ada) -> None:
    with capture_logs() as logged:
        for _ in range(7):
            try_password(browser_at(HERE), ada.email)
    assert len(events("sign_in_failed", logged)) == 5
    assert [line["limit"] for line in events("sign_in_limited", logged)] == ["account and network"] * 2
    assert Entry.objects.with_action(Action.STAFF_SIGN_IN_LIMITED).count() == 1


@pytest.mark.parametrize("who", ["closed", "without a second factor"])
def test_who_is_refused_with_the_right_password_is_a_line_of_the_log(who) -> None:
    user = factories.ada() if "without" in who else enrolled(factories.ada())
    user.set_password(PASSWORD)
    user.is_active = who != "closed"
    user.save()
    with capture_logs() as logged:
        try_password(browser_at(HERE), user.email, PASSWORD)
    (line,) = events("sign_in_refused", logged)
    assert line["user"] == user.audit_id
    assert not Entry.objects.with_action(Action.STAFF_SIGNED_IN).exists()


# --- Contacts: codes and passkeys -------------------------------------------------------------------------------------


def test_a_failed_step_up_is_a_line_of_the_log(lotte, made) -> None:
    browser = browsers.of(lotte, stepped_up=False)
    page = browser.post(reverse("contact:reveal_secret", args=[made.uid])).url
    wrong = "000000" if browsers.newest_code() != "000000" else "000001"
    with capture_logs() as logged:
        browser.post(page, {"code": wrong})
    (line,) = events("step_up_failed", logged)
    assert (line["user"], line["how"], line["client"]) == (lotte.audit_id, "code", str(made.uid))
    (line,) = events("code_refused", logged)
    assert (line["tries_left"], line["ended_for_today"]) == (4, False)
    assert wrong not in str(logged)


def test_a_passkey_that_does_not_pass_the_step_up_is_a_line_of_the_log(lotte, made, monkeypatch) -> None:
    has_a_passkey(lotte)
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda _user: [])  # there is no device
    browser = browsers.of(lotte, stepped_up=False)
    page = browser.post(reverse("contact:reveal_secret", args=[made.uid])).url
    with capture_logs() as logged:
        browser.post(page, {"passkey": "{}"})
    assert [line["how"] for line in events("step_up_failed", logged)] == ["passkey"]


def test_a_wrong_code_for_a_request_is_a_line_of_the_log() -> None:
    asking = Browser()
    form = {"organisation": "O", "contact_name": "Nel", "contact_email": "n@example.org", "client_name": "C",
            "purpose": "P", "scopes": [factories.scope().name], "scenario": "client_credentials"}  # fmt: skip
    page = asking.post(reverse("public:request_client"), form).url
    with capture_logs() as logged:
        asking.post(page, {"code": "000000" if browsers.newest_code() != "000000" else "000001"})
    (line,) = events("code_refused", logged)
    assert line["purpose"] == "confirm_request"
    assert re.fullmatch(r"system:anonymous", str(line["user"]))
