"""An attacker cannot lock a member of staff out (docs/security.md, approval and access)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.core import signing
from django.test import Client as Browser
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.models import User
from portal.sign_in import attempts, known_devices
from tests.portal.sign_in.test_staff_sign_in import PASSWORD, code_now, enrolled
from tests.support import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_one_window")]

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(autouse=True)
def _passwords_are_hashed_in_no_time(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def browser_at(address: str, *, like: Browser | None = None) -> Browser:
    """A browser at this address; `like`: with the cookies of that one, but signed out."""
    browser = Browser(REMOTE_ADDR=address)
    if like is not None:
        browser.cookies[settings.DEVICE_COOKIE_NAME] = like.cookies[settings.DEVICE_COOKIE_NAME].value
    return browser


def try_password(browser: Browser, login: str, password: str = "wrong") -> str:
    """Return "in" when it leads on to the code, else what the page says."""
    answer = browser.post(reverse("account_login"), {"login": login, "password": password})
    return "in" if answer.status_code == 302 else answer.text


def sign_in(browser: Browser, user: User) -> Browser:
    assert try_password(browser, user.email, PASSWORD) == "in"
    assert browser.post(reverse("mfa_authenticate"), {"code": code_now()}).status_code == 302
    assert "_auth_user_id" in browser.session
    return browser


def guessed_at(user: User, *, address: str = HERE, times: int = 12) -> None:
    for login in (user.email, user.email.upper(), f" {user.email} ", user.email) * (times // 4):
        try_password(browser_at(address), login)
    assert "Too many attempts" in try_password(browser_at(address), user.email, PASSWORD)


@pytest.mark.parametrize(
    "spelling", [str, str.upper, lambda email: f"  {email} ", lambda email: email.replace("@", "+x@")]
)
def test_failures_count_for_their_network_however_the_address_is_spelled(spelling) -> None:
    user = enrolled(factories.ada())
    guessed_at(user)
    assert "Too many attempts" in try_password(browser_at(HERE), spelling(user.email), PASSWORD)
    right = try_password(browser_at(ELSEWHERE), spelling(user.email), PASSWORD)
    assert right == "in" or "+x@" in spelling(user.email)


def test_a_known_browser_passes_also_in_the_strangers_network() -> None:
    user = enrolled(factories.ada())
    theirs = sign_in(browser_at(HERE), user)
    guessed_at(user)
    assert try_password(browser_at(HERE, like=theirs), user.email.upper(), PASSWORD) == "in"


def test_many_networks_reach_a_slower_limit_that_a_known_browser_passes() -> None:
    user = enrolled(factories.ada())
    theirs = sign_in(browser_at(HERE), user)
    for number in range(attempts.ACCOUNT.failures):
        try_password(browser_at(f"203.0.113.{number % 12}"), user.email)  # no more than five each
    page = try_password(browser_at(ELSEWHERE), user.email, PASSWORD)
    assert "in a browser in which you signed in before" in page
    assert try_password(browser_at(ELSEWHERE, like=theirs), user.email, PASSWORD) == "in"


def test_wrong_codes_of_who_has_the_password_do_not_lock_the_person_out() -> None:
    user = enrolled(factories.ada())
    theirs = sign_in(browser_at(HERE), user)
    stranger = browser_at(HERE)
    try_password(stranger, user.email, PASSWORD)
    pages = [stranger.post(reverse("mfa_authenticate"), {"code": "000000"}).text for _ in range(7)]
    assert "Too many attempts" in pages[-1]
    for browser in (browser_at(HERE, like=theirs), browser_at(ELSEWHERE)):
        assert try_password(browser, user.email, PASSWORD) == "in"
        assert "Too many attempts" not in browser.post(reverse("mfa_authenticate"), {"code": "000000"}).text


def test_a_known_browser_has_a_limit_of_its_own() -> None:
    user = enrolled(factories.ada())
    theirs = sign_in(browser_at(HERE), user)
    pages = [try_password(browser_at(HERE, like=theirs), user.email) for _ in range(6)]
    assert "do not belong together" in pages[4]
    assert "Too many attempts" in pages[5]


def test_one_network_cannot_try_a_password_with_all_accounts() -> None:
    pages = [
        try_password(browser_at(HERE), f"nobody{number}@keydesk.example")
        for number in range(attempts.NETWORK.failures + 1)
    ]
    assert "do not belong together" in pages[-2]
    assert "Too many attempts" in pages[-1]


def test_attempts_that_succeed_do_not_count() -> None:
    user = enrolled(factories.ada())
    assert [try_password(browser_at(HERE), user.email, PASSWORD) for _ in range(8)] == ["in"] * 8


def test_a_limit_ends_after_five_minutes() -> None:
    user = enrolled(factories.ada())
    guessed_at(user)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=301)):
        assert try_password(browser_at(HERE), user.email, PASSWORD) == "in"


def test_one_network_alone_never_reaches_the_limit_of_the_account() -> None:
    user, began = enrolled(factories.ada()), datetime.now(UTC).replace(minute=0, second=1)
    for window in range(12):
        with time_machine.travel(began + timedelta(seconds=300 * window)):
            for _ in range(7):
                try_password(browser_at(HERE), user.email)
            assert try_password(browser_at(f"203.0.113.{window}"), user.email, PASSWORD) == "in"


def test_the_change_log_has_one_entry_a_day_however_many_networks_guess() -> None:
    user = enrolled(factories.ada())
    for number in range(8):
        guessed_at(user, address=f"203.0.113.{number}", times=8)
    (entry,) = Entry.objects.with_action(Action.STAFF_SIGN_IN_LIMITED)
    assert (entry.subject_id, entry.address, entry.actor_label) == (user.audit_id, "203.0.113.0", "anonymous")
    for _ in range(8):
        try_password(browser_at(HERE), "nobody@keydesk.example")
    assert Entry.objects.with_action(Action.STAFF_SIGN_IN_LIMITED).count() == 1


# --- The cookie -------------------------------------------------------------------------------------------------------


def test_the_cookie_of_a_known_browser_is_for_the_server_alone() -> None:
    user = enrolled(factories.ada())
    cookie = sign_in(browser_at(HERE), user).cookies[settings.DEVICE_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
    assert user.email not in cookie.value
    assert int(cookie["max-age"]) == timedelta(days=180).total_seconds()


FORGED = {
    "made up": lambda _user: "x",
    "signed for something else": lambda user: signing.dumps({str(user.uid): known_devices._mark(user)}),
    "of another person": lambda _user: signing.dumps({"x": "y"}, salt=known_devices.SALT),
    "with a wrong mark": lambda user: signing.dumps({str(user.uid): "x"}, salt=known_devices.SALT),
    "too long": lambda user: "x" * 100_000,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_cookie_that_is_not_ours_makes_no_browser_known(forge) -> None:
    user = enrolled(factories.ada())
    guessed_at(user)
    browser = browser_at(HERE)
    browser.cookies[settings.DEVICE_COOKIE_NAME] = forge(user)
    assert "Too many attempts" in try_password(browser, user.email, PASSWORD)


def test_a_changed_password_makes_every_browser_unknown() -> None:
    user = enrolled(factories.ada())
    theirs = sign_in(browser_at(HERE), user)
    user.set_password(PASSWORD)
    user.save()
    guessed_at(user)
    assert "Too many attempts" in try_password(browser_at(HERE, like=theirs), user.email, PASSWORD)


def test_a_browser_that_two_people_use_knows_both() -> None:
    ada, noor = enrolled(factories.ada()), enrolled(factories.noor())
    shared = sign_in(browser_at(HERE), ada)
    shared.post(reverse("account:sign_out"))
    sign_in(shared, noor)
    for user in (ada, noor):
        guessed_at(user, times=8)
        assert try_password(browser_at(HERE, like=shared), user.email, PASSWORD) == "in"
