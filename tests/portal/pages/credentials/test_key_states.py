"""The states of a key on its page: staged, active, retiring, and never the last way in by accident."""

import json
from datetime import UTC, datetime

import pytest
import time_machine
from django.urls import reverse

from clients.acts.credentials import keys
from clients.models import Key
from portal.ui.dates import moment
from tests.portal.pages.credentials.test_keys import add, certificate_now, hand_over
from tests.portal.support import browsers
from tests.support import factories
from tests.support.keys import certificate_pem, jwk_of, new_ec, public_key

pytestmark = pytest.mark.django_db


def test_a_staged_key_works_once_it_is_activated(made, browser) -> None:
    add(browser, made, json.dumps(jwk_of(new_ec())), start="later")
    key = made.keys.get()
    assert key.state(datetime.now(UTC)) == Key.State.STAGED
    browser.post(reverse("contact:activate_key", args=[made.uid, key.uid]))
    key.refresh_from_db()
    assert key.state(datetime.now(UTC)) == Key.State.ACTIVE


def test_a_staged_certificate_that_ended_is_not_activated(made, browser) -> None:
    add(browser, made, certificate_now(), start="later")
    key = made.keys.get()
    with time_machine.travel(key.not_after):
        browser = browsers.of(factories.lotte())
        url = reverse("contact:activate_key", args=[made.uid, key.uid])
        assert url not in browser.get(reverse("contact:key", args=[made.uid, key.uid])).content.decode()
        assert "The certificate expired on" in browser.post(url, follow=True).content.decode()
    key.refresh_from_db()
    assert key.active_from is None


def test_an_overlap_ends_with_the_certificate(made, browser) -> None:
    pem = certificate_pem(days=3, now=datetime.now(UTC)).decode()
    add(browser, made, pem)
    old = made.keys.get()
    until = f"Until {moment(old.not_after)}."
    assert until in hand_over(browser, made, certificate_now()).content.decode()
    retire = reverse("contact:retire_key", args=[made.uid, old.uid])
    assert until in browser.get(retire).content.decode()
    answer = browser.post(retire, {"overlap": "7d"}, follow=True).content.decode()
    assert f"The key works until {moment(old.not_after)}" in answer


def test_the_old_key_can_retire_with_the_arrival_of_the_new_one(made, browser) -> None:
    old = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    page = hand_over(browser, made, certificate_now()).content.decode()
    assert "What about the key in use now?" in page
    add(browser, made, certificate_now(), old="24h")
    old.refresh_from_db()
    assert old.state(datetime.now(UTC)) == Key.State.RETIRING


def test_the_last_credential_does_not_go_by_accident(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    browser.post(reverse("contact:secret_authentication", args=[made.uid]), {"allowed": "false"})
    url = reverse("contact:retire_key", args=[made.uid, key.uid])
    answer = browser.post(url, {"overlap": "0"}, follow=True).content.decode()
    assert "This is the only way the client can authenticate" in answer
    key.refresh_from_db()
    assert key.retires_at is None


def test_retiring_a_key_says_what_happens_and_asks_for_how_long(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    url = reverse("contact:retire_key", args=[made.uid, key.uid])
    assert "Retire this key?" in browser.get(url).content.decode()
    browser.post(url, {"overlap": "1h"})
    key.refresh_from_db()
    assert key.state(datetime.now(UTC)) == Key.State.RETIRING
