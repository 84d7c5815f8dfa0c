"""Handing over a key: what is understood, what is refused, and what becomes of the old one."""

import html
import json
import re
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.access import one_time_codes
from clients.acts.credentials import keys
from clients.models import Client, Key, Mail
from tests.portal.support import browsers, staff
from tests.support import factories
from tests.support.keys import certificate_pem, jwk_of, new_ec, public_key

pytestmark = pytest.mark.django_db


def hand_over(browser, client: Client, text: str | bytes, **more: object):
    form = {"way": "paste", "pasted": text, **more}
    return browser.post(reverse("contact:add_key", args=[client.uid]), form, follow=True)


def materials(response) -> list[str]:
    return [
        html.unescape(value)
        for value in re.findall(r'name="material"[^>]*? value="([^"]*)"', response.content.decode())
    ]


def add(browser, client: Client, text: str, **more: str):
    carried = materials(hand_over(browser, client, text))
    assert carried
    return browser.post(
        reverse("contact:confirm_key", args=[client.uid]),
        {"material": carried, "start": "now", "old": "keep", **more},
        follow=True,
    )


def certificate_now() -> str:
    return certificate_pem(now=datetime.now(UTC)).decode()


def test_a_certificate_is_explained_before_it_is_added(made, browser) -> None:
    text = hand_over(browser, made, certificate_now()).content.decode()
    for words in ("What we understood", "Use exactly this key id", "EC P-256", "x5t#S256", "Other key ids that work"):
        assert words in text
    assert not made.keys.exists()


def test_a_certificate_without_an_end_is_shown_like_any_other(made, browser) -> None:
    """RFC 5280 section 4.1.2.5: it says 9999-12-31, 23:59:59 UTC, which in Brussels is in no year that there is."""
    pem = certificate_pem(now=datetime.now(UTC), not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)).decode()
    assert "31 December 9999" in hand_over(browser, made, pem).content.decode()
    add(browser, made, pem)
    key = made.keys.get()
    for name, args in (("contact:credentials", [made.uid]), ("contact:key", [made.uid, key.uid])):
        assert "31 December 9999" in browser.get(reverse(name, args=args)).content.decode(), name
    for name, args in (("contact:clients", []), ("contact:retire_key", [made.uid, key.uid])):
        assert browser.get(reverse(name, args=args)).status_code == 200, name
    assert staff.signed_in(factories.noor()).get(reverse("security:client", args=[made.uid])).status_code == 200


def test_a_certificate_is_stored_as_the_jwk_that_wraps_it(made, browser) -> None:
    answer = add(browser, made, certificate_now()).content.decode()
    key = made.keys.get()
    assert key.kind == Key.Kind.CERTIFICATE
    assert key.kid == key.jwk["x5t"]
    assert "The key is added" in answer
    assert key.kid in answer
    assert Entry.objects.with_action(Action.KEY_ADDED).count() == 1
    assert Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED).count() == 1


def test_a_file_in_der_works_too(made, browser) -> None:
    pem = certificate_now().encode()
    der = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    file = SimpleUploadedFile("leiestroom.cer", der)
    response = browser.post(reverse("contact:add_key", args=[made.uid]), {"way": "file", "file": file}, follow=True)
    assert "We read leiestroom.cer" in response.content.decode()
    browser.post(reverse("contact:confirm_key", args=[made.uid]), {"material": materials(response), "start": "now"})
    assert made.keys.get().kind == Key.Kind.CERTIFICATE


def test_a_jwk_keeps_its_own_kid(made, browser) -> None:
    add(browser, made, json.dumps(jwk_of(new_ec(), kid="our-key-7")))
    assert made.keys.get().kid == "our-key-7"


def test_of_a_set_the_ticked_keys_are_added_all_or_none(made, browser) -> None:
    jwks = json.dumps({"keys": [jwk_of(new_ec(), kid=name) for name in ("a", "b", "c")]})
    carried = materials(hand_over(browser, made, jwks))
    assert len(carried) == 3
    url = reverse("contact:confirm_key", args=[made.uid])
    browser.post(url, {"material": carried[:2], "start": "now"})
    assert sorted(made.keys.values_list("kid", flat=True)) == ["a", "b"]
    answer = browser.post(url, {"material": [carried[2], carried[0]], "start": "now"}).content.decode()
    assert "This client has this key already" in answer
    assert made.keys.count() == 2


def test_of_a_set_the_keys_that_the_client_has_are_left_out(made, browser) -> None:
    """A published set holds the old key beside the new one for a while."""
    old, new = jwk_of(new_ec(), kid="2025"), jwk_of(new_ec(), kid="2026")
    add(browser, made, json.dumps(old))
    page = hand_over(browser, made, json.dumps({"keys": [old, new]}))
    assert [json.loads(text)["kid"] for text in materials(page)] == ["2026"]
    assert "This client has this key already.<small>2025</small>" in page.content.decode()
    assert "This client has this key already" in hand_over(browser, made, json.dumps({"keys": [old]})).content.decode()


def test_who_ticks_no_key_of_a_set_is_asked_to(made, browser) -> None:
    answer = browser.post(reverse("contact:confirm_key", args=[made.uid]), {"start": "now"}, follow=True)
    assert "Which keys do you add?" in answer.content.decode()


def test_text_that_is_no_key_is_refused_beside_the_field_and_kept(made, browser) -> None:
    response = hand_over(browser, made, "not a <b>key</b>")
    text = response.content.decode()
    assert response.status_code == 422
    assert "neither a certificate nor a JSON Web Key" in text
    assert "not a &lt;b&gt;key&lt;/b&gt;" in text
    assert "How to get a key that we can use" in text


def test_nothing_at_all_is_refused_beside_the_chosen_way(made, browser) -> None:
    for way, words in (
        ("paste", "Paste a certificate"),
        ("file", "Choose a file of at most 64 KB"),
        ("make", "Make a key pair first"),
    ):
        assert words in browser.post(reverse("contact:add_key", args=[made.uid]), {"way": way}).content.decode()


def test_a_private_key_is_not_echoed_and_all_contacts_hear_of_it(made, browser) -> None:
    private = new_ec()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    response = hand_over(browser, made, pem)
    text = response.content.decode()
    assert "You uploaded a private key. Treat it as leaked." in text
    assert pem.splitlines()[1] not in text
    assert Entry.objects.with_action(Action.KEY_REFUSED).count() == 1
    assert Mail.objects.filter(kind=Mail.Kind.PRIVATE_KEY_RECEIVED).count() == 1
    assert not made.keys.exists()


def test_what_the_form_carries_is_checked_again(made, browser) -> None:
    for text in ("rubbish", json.dumps({"kty": "oct", "k": "c2VjcmV0"})):
        browser.post(reverse("contact:confirm_key", args=[made.uid]), {"material": text, "start": "now"}, follow=True)
    assert not made.keys.exists()
    assert Entry.objects.with_action(Action.KEY_REFUSED).count() == 1


def test_a_key_of_another_client_is_refused(made, browser) -> None:
    other, _secret = factories.client(contact=factories.wim())
    private = new_ec()
    keys.add(client=other, key=public_key(private), by=factories.SYSTEM, now=datetime.now(UTC), proven=True)
    jwk = json.dumps(jwk_of(private))
    assert "This key is in use elsewhere" in hand_over(browser, made, jwk).content.decode()
    confirmed = browser.post(reverse("contact:confirm_key", args=[made.uid]), {"material": jwk, "start": "now"})
    assert "This key is in use elsewhere" in confirmed.content.decode()
    assert not made.keys.exists()


def test_a_file_that_is_too_large_never_touches_the_disk(made, browser, monkeypatch) -> None:
    monkeypatch.setattr("django.core.files.temp.NamedTemporaryFile", None)
    file = SimpleUploadedFile("big.pem", b"x" * 600_000)
    response = browser.post(reverse("contact:add_key", args=[made.uid]), {"way": "file", "file": file})
    assert "Choose a file of at most 64 KB" in response.content.decode()


def test_adding_asks_for_a_mailed_code_and_then_goes_on_with_the_same_key(made) -> None:
    lotte = factories.lotte()
    browser = browsers.of(lotte, stepped_up=False)
    carried = materials(hand_over(browser, made, certificate_now()))
    url = reverse("contact:confirm_key", args=[made.uid])
    asked = browser.post(url, {"material": carried, "start": "now"})["Location"]
    assert "We sent a six-digit code to" in browser.get(asked).text
    assert not made.keys.exists()
    browser.post(asked, {"code": one_time_codes.value(lotte.codes.get())})
    assert made.keys.count() == 1


def test_back_and_reload_show_the_key_again_and_send_nothing(made, browser) -> None:
    page = hand_over(browser, made, certificate_now())
    address = page.redirect_chain[0][0]
    assert materials(browser.get(address)) == materials(page)
    browser.post(address, {"material": materials(page), "start": "now"})
    assert made.keys.count() == 1
    assert "This client has this key already" in browser.get(address, follow=True).text


def test_two_tabs_that_check_keys_keep_each_its_own(made, browser) -> None:
    pages = [hand_over(browser, made, json.dumps(jwk_of(new_ec(), kid=name))) for name in ("one", "two")]
    for page, name in zip(pages, ("one", "two"), strict=True):
        assert f"&quot;{name}&quot;" in browser.get(page.redirect_chain[0][0]).text


def test_what_was_checked_is_shown_at_its_own_client_only(made, browser) -> None:
    other, _secret = factories.client()
    address = hand_over(browser, made, certificate_now()).redirect_chain[0][0]
    assert browser.get(address.replace(str(made.uid), str(other.uid)))["Location"] == reverse(
        "contact:add_key", args=[other.uid]
    )


def test_the_page_of_a_key_has_its_jwk_to_copy(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    text = browser.get(reverse("contact:key", args=[made.uid, key.uid])).content.decode()
    assert html.escape('"kty": "EC"') in text
    assert "Stops working" in text
    assert "kd-line-left--open" not in text


def test_the_page_of_a_key_without_an_end_draws_it_open(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    Key.objects.filter(pk=key.pk).update(expires_at=None)
    text = browser.get(reverse("contact:key", args=[made.uid, key.uid])).text
    assert "kd-line-left--open" in text
    assert "No end date" in text
    assert "Stops working" not in text


def test_keys_of_a_strangers_client_do_not_exist(made) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    stranger = browsers.of(factories.wim())
    for name, args in (
        ("contact:add_key", [made.uid]),
        ("contact:confirm_key", [made.uid]),
        ("contact:key", [made.uid, key.uid]),
        ("contact:activate_key", [made.uid, key.uid]),
        ("contact:retire_key", [made.uid, key.uid]),
    ):
        assert stranger.get(reverse(name, args=args)).status_code == 404


def test_a_key_is_found_only_under_its_own_client(made, browser) -> None:
    other, _secret = factories.client()
    key = keys.add(client=other, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    assert browser.get(reverse("contact:key", args=[made.uid, key.uid])).status_code == 404
