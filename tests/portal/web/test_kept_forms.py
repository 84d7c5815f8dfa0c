"""Values kept for the next page over a redirect: bounded, and for their own kind, session and time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import RequestFactory
from django.urls import reverse

from clients.access.session_store import SessionStore
from clients.models import Client
from portal.web import kept_forms
from portal.web.http_request import Request
from tests.portal.support import browsers
from tests.support.factories import lotte
from tests.support.keys import jwk_of, new_ec

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_() -> Request:
    made: Request = RequestFactory().get("/")  # type: ignore[assignment]
    made.session, made.now = SessionStore(), datetime.now(UTC)
    return made


def test_what_is_kept_is_found_by_its_kind_and_name_until_it_is_over(request_: Request) -> None:
    name = kept_forms.keep(request_, "key", {"a": 1}, seconds=60)
    assert kept_forms.get(request_, "key", name) == {"a": 1}
    assert kept_forms.get(request_, "secret", name) is None
    assert kept_forms.get(request_, "key", "other") is None
    request_.now += timedelta(seconds=61)
    assert kept_forms.get(request_, "key", name) is None


def test_what_is_dropped_is_gone(request_: Request) -> None:
    name, other = kept_forms.keep(request_, "key", {}), kept_forms.keep(request_, "key", {})
    kept_forms.drop(request_, name)
    kept_forms.drop(request_, name)
    assert kept_forms.get(request_, "key", name) is None
    assert kept_forms.get(request_, "key", other) == {}


def test_the_oldest_makes_room(request_: Request) -> None:
    names = [kept_forms.keep(request_, "key", {"number": number}) for number in range(kept_forms.MAX_ITEMS + 1)]
    assert [kept_forms.get(request_, "key", name) is None for name in names] == [True] + [False] * kept_forms.MAX_ITEMS
    large = kept_forms.keep(request_, "key", {"text": "x" * (kept_forms.MAX_CHARACTERS - 100)})
    assert kept_forms.get(request_, "key", large)
    assert not any(kept_forms.get(request_, "key", name) for name in names)


def test_a_session_holds_no_more_than_its_bound(request_: Request) -> None:
    with pytest.raises(kept_forms.TooLarge):
        kept_forms.keep(request_, "key", {"text": "é" * (kept_forms.MAX_CHARACTERS // 6)})
    for _time in range(20):
        kept_forms.keep(request_, "key", {"text": "x" * 60_000})
    assert len(json.dumps(request_.session[kept_forms.SESSION_KEY])) < kept_forms.MAX_CHARACTERS + 1000


def test_a_form_that_is_too_large_to_wait_for_a_code_is_a_message(made: Client) -> None:
    browser, form = browsers.of(lotte(), stepped_up=False), {"material": json.dumps(jwk_of(new_ec())), "start": "now"}
    url = reverse("contact:confirm_key", args=[made.uid])
    answer = browser.post(url, {**form, "more": "x" * 270_000}, follow=True)
    assert "This form is too large" in answer.text
    assert browsers.is_asked(browser.post(url, form))
