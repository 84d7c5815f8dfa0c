"""A certificate that was renewed over the same key: the page says what it replaces before it does."""

import json
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from clients.acts.credentials import keys
from clients.models import Key
from tests.portal.support.html import Page
from tests.support import factories
from tests.support.keys import certificate_pem, jwk_of, new_ec, public_key

pytestmark = pytest.mark.django_db


def test_the_page_says_what_a_renewed_certificate_replaces_without_asking(made, browser) -> None:
    private, now = new_ec(), datetime.now(UTC)
    old = keys.add(client=made, key=public_key(private), by=factories.SYSTEM, now=now)
    upload = {"way": "paste", "pasted": certificate_pem(private, now=now).decode()}
    page = browser.post(reverse("contact:add_key", args=[made.uid]), upload, follow=True).content.decode()
    assert f"Your client has this public key already, with the key id {old.kid}." in page
    assert "The old key id works until" in page
    assert "Not in use, here or at another client" not in page
    fields = {field.get("name"): field["value"] for field in Page(page).all("input") if field.get("value")}
    assert not {"old", "start"} & fields.keys()
    answer = browser.post(
        reverse("contact:confirm_key", args=[made.uid]), {"material": fields["material"]}, follow=True
    )
    assert "The key is added" in answer.content.decode()
    old.refresh_from_db()
    assert old.state(datetime.now(UTC)) == Key.State.RETIRING
    assert made.keys.lasting(datetime.now(UTC)).get().kind == Key.Kind.CERTIFICATE


def test_a_key_id_that_stays_is_not_said_to_end(made, browser) -> None:
    """The same JWK again, now with its algorithm."""
    jwk = jwk_of(new_ec(), kid="signing")
    url = reverse("contact:add_key", args=[made.uid])
    page = Page(browser.post(url, {"way": "paste", "pasted": json.dumps(jwk)}, follow=True).content.decode())
    material = next(field["value"] for field in page.all("input") if field.get("name") == "material")
    browser.post(reverse("contact:confirm_key", args=[made.uid]), {"material": material, "start": "now"})
    again = browser.post(
        url, {"way": "paste", "pasted": json.dumps({**jwk, "alg": "ES256"})}, follow=True
    ).content.decode()
    assert "This one takes its place." in again
    assert "The old key id" not in again


def test_the_same_certificate_again_replaces_nothing(made, browser) -> None:
    now = datetime.now(UTC)
    upload = {"way": "paste", "pasted": certificate_pem(new_ec(), now=now).decode()}
    page = Page(browser.post(reverse("contact:add_key", args=[made.uid]), upload, follow=True).content.decode())
    fields = {field.get("name"): field.get("value") for field in page.all("input")}
    browser.post(reverse("contact:confirm_key", args=[made.uid]), {"material": fields["material"], "start": "now"})
    assert (
        "This client has this key already"
        in browser.post(reverse("contact:add_key", args=[made.uid]), upload).content.decode()
    )
