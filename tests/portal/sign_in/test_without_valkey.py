"""Without Valkey, or with one that hangs, staff sign in and work; guessing is slowed down by each process."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client as Browser
from django.urls import reverse

from dev.servers import sockets, valkey
from portal.config.cache import RETRY_VALKEY_AFTER_S
from portal.sign_in.allauth_internals import TOTP
from tests.support import factories
from tests.support.totp import code_now

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(params=["away", "hangs"])
def no_valkey(request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    """A port where nobody listens, or where somebody does and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            server.listen(50)
        ask_at(settings, f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        yield


def ask_at(settings: Any, address: str) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": address}}


def type_password(browser: Browser, password: str = PASSWORD):
    return browser.post(reverse("account_login"), {"login": "noor@keydesk.example", "password": password})


@pytest.fixture
def noor():
    user = factories.noor()
    user.set_password(PASSWORD)
    user.save()
    TOTP.activate(user, SECRET)
    return user


@pytest.mark.usefixtures("no_valkey")
def test_staff_sign_in_and_see_the_dashboard(noor) -> None:
    browser, code, began = Browser(), code_now(SECRET), time.monotonic()
    assert browser.get(reverse("account_login")).status_code == 200
    assert type_password(browser).url == reverse("mfa_authenticate")
    assert browser.post(reverse("mfa_authenticate"), {"code": code}).url == reverse("security:dashboard")
    assert browser.get(reverse("security:dashboard")).context["clients"] == 0
    assert browser.get(reverse("security:dashboard")).status_code == 200
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("no_valkey")
def test_guessing_a_password_is_still_slowed_down(noor) -> None:
    answers = [type_password(Browser(), "not the right one").text for _time in range(6)]
    assert ["Too many attempts" in answer for answer in answers] == [False] * 5 + [True]
    assert "Too many attempts" in type_password(Browser()).text


def test_when_it_is_back_it_is_asked_again(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("portal.config.cache.monotonic", lambda: now)
    directory = sockets.temporary_directory("valkey")
    ask_at(settings, valkey.urls(directory)["CACHE_URL"])
    cache.set("of", "this process")
    server = valkey.launch(directory, log=directory / "valkey.log", remove=directory)
    try:
        assert cache.get("of") == "this process"
        now += RETRY_VALKEY_AFTER_S
        assert cache.get("of") is None
        assert (cache.add("n", 1), cache.add("n", 1), cache.incr("n"), cache.get("n")) == (True, False, 2, 2)
    finally:
        server.stop()
    assert cache.get("n") is None
    assert (cache.add("n", 5), cache.incr("n"), cache.touch("n"), cache.delete("n")) == (True, 6, True, True)
