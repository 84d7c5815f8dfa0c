"""Proof of possession: who hands over a key shows that they have its private half."""

import html
import json
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.models import Client
from tests.portal.pages.credentials.test_keys import hand_over, materials
from tests.portal.support import browsers
from tests.support import factories
from tests.support.keys import jwk_of, new_ec

pytestmark = pytest.mark.django_db


def challenge_on(response) -> str:
    (found,) = set(re.findall(r'name="challenge" value="([^"]+)"', response.content.decode()))
    return found


def signed(private, challenge: str) -> str:
    return b64encode(private.sign(challenge.encode(), ec.ECDSA(hashes.SHA256()))).decode()


def confirm(browser, client: Client, page, **answers: str):
    form = {"material": materials(page), "start": "now", "challenge": challenge_on(page), **answers}
    return browser.post(reverse("contact:confirm_key", args=[client.uid]), form, follow=True)


def test_who_signs_our_text_with_the_private_key_has_it(made, browser) -> None:
    private = new_ec()
    page = hand_over(browser, made, json.dumps(jwk_of(private)))
    assert "openssl dgst -sha256 -sign private.pem" in page.content.decode()
    confirm(browser, made, page, proof=signed(private, challenge_on(page)))
    assert made.keys.get().proven_at is not None
    assert "Possession proven on" in browser.get(reverse("contact:credentials", args=[made.uid])).text
    assert "proven_at" in Entry.objects.with_action(Action.KEY_ADDED).get().changes


def test_without_a_proof_the_key_is_added_and_says_so(made, browser) -> None:
    confirm(browser, made, hand_over(browser, made, json.dumps(jwk_of(new_ec()))))
    assert made.keys.get().proven_at is None
    assert "Not proven yet" in browser.get(reverse("contact:credentials", args=[made.uid])).text


def test_the_signature_of_another_key_shows_the_mix_up_and_adds_nothing(made, browser) -> None:
    page = hand_over(browser, made, json.dumps(jwk_of(new_ec())))
    answer = confirm(browser, made, page, proof=signed(new_ec(), challenge_on(page)))
    assert "the two files are not a pair" in answer.content.decode()
    assert not made.keys.exists()


def test_a_proof_made_for_another_client_proves_nothing_here(made, browser) -> None:
    private, (other, _secret) = new_ec(), factories.client()
    elsewhere = challenge_on(browser.get(reverse("contact:add_key", args=[other.uid])))
    page = hand_over(browser, made, json.dumps(jwk_of(private)))
    answer = confirm(browser, made, page, challenge=elsewhere, proof=signed(private, elsewhere))
    assert "no longer good" in answer.content.decode()
    assert not made.keys.exists()


def test_a_proof_of_the_day_before_yesterday_is_too_old(made, browser) -> None:
    private = new_ec()
    page = hand_over(browser, made, json.dumps(jwk_of(private)))
    proof = signed(private, challenge_on(page))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        answer = confirm(browsers.of(factories.lotte()), made, page, proof=proof)
    assert "no longer good" in answer.content.decode()
    assert not made.keys.exists()


def test_a_browser_that_makes_the_pair_proves_it_by_itself(made, browser) -> None:
    private = new_ec()
    challenge = challenge_on(browser.get(reverse("contact:add_key", args=[made.uid])))
    made_here = {"way": "make", "made": json.dumps(jwk_of(private)), "challenge": challenge}
    page = browser.post(
        reverse("contact:add_key", args=[made.uid]), {**made_here, "proof": signed(private, challenge)}, follow=True
    )
    assert "Your browser signed with it" in page.content.decode()
    (carried,) = re.findall(r'name="proof" value="([^"]+)"', page.content.decode())
    confirm(browser, made, page, proof=html.unescape(carried))
    assert made.keys.get().proven_at is not None
