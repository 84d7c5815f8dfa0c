"""The end of a session: how many seconds are left, and what one reads of a form that was sent too late."""

from __future__ import annotations

import time

import pytest
from django.test import Client as Browser
from django.urls import reverse

from tests.portal.support import browsers, staff
from tests.support.factories import lotte, noor, wim

pytestmark = pytest.mark.django_db
URL = "/accounts/session/"


def used(browser: Browser, ago: float) -> None:
    session = browser.session
    session["seen_at"] = time.time() - ago
    session.save()


@pytest.fixture
def browser() -> Browser:
    browser = browsers.of(lotte())
    assert browser.get(reverse("contact:clients")).status_code == 200
    return browser


def test_asking_for_the_end_is_no_use_of_the_session(browser: Browser) -> None:
    used(browser, 3500)
    for _time in range(2):
        assert 90 <= browser.get(URL).json()["idle"] <= 100
    assert 7 * 3600 < browser.get(URL).json()["last"] <= 8 * 3600


def test_the_button_puts_the_end_off(browser: Browser) -> None:
    used(browser, 3500)
    assert browser.post(URL).json()["idle"] > 3590
    assert browser.get(URL).json()["idle"] > 3590


def test_nothing_puts_the_last_end_off(browser: Browser) -> None:
    session = browser.session
    session["started_at"] = time.time() - 8 * 3600 + 60
    session.save()
    assert browser.post(URL).json()["last"] <= 60


def test_who_is_signed_out_has_no_seconds_left(browser: Browser) -> None:
    used(browser, 3601)
    assert browser.get(URL).json() == browser.post(URL).json() == Browser().get(URL).json() == {"idle": 0, "last": 0}


def test_every_page_of_a_session_says_when_the_session_ends(browser: Browser) -> None:
    for visitor, page in ((browser, "contact:clients"), (staff.signed_in(noor()), "security:dashboard")):
        text = visitor.get(reverse(page)).text
        assert 'data-idle="3' in text
        assert "Stay signed in" in text
    assert "Stay signed in" not in Browser().get("/").text


def test_a_form_sent_too_late_is_said_to_be_kept_where_a_script_keeps_it(browser: Browser) -> None:
    used(browser, 3601)
    answer = browser.post(reverse("contact:propose_change", args=["00000000-0000-4000-8000-000000000000"]), follow=True)
    assert "Your form was not processed" in answer.text
    assert "data-lost hidden" in answer.text
    assert "data-lost" not in Browser().get("/").text


def test_the_script_has_one_name_for_a_reader_on_every_page_and_no_other() -> None:
    def name(visitor: Browser) -> str:
        return visitor.get(reverse("contact:clients")).text.split('data-reader="')[1].split('"')[0]

    assert name(browsers.of(lotte())) == name(browsers.of(lotte())) != name(browsers.of(wim()))
    assert "data-reader" not in Browser().get("/").text
