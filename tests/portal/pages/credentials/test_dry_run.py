"""The dry run: everything that is wrong with a signed request, before it is sent."""

import json
import re
import time
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from clients import keymaterial
from clients.acts.credentials import keys
from clients.models import Client
from portal.ui.dates import precise
from tests.portal.support import browsers
from tests.support import factories
from tests.support.keys import public_key
from tests.tokens.support.wire import Clock, Signer, ec_key, public_jwk
from tokens.models import JournalEntry, Token, UsedAssertion

pytestmark = pytest.mark.django_db


@pytest.fixture
def signer(made) -> Signer:
    """Software of the client whose key is known here."""
    private = ec_key()
    (public,) = keymaterial.read(json.dumps(public_jwk(private)).encode(), now=datetime.now(UTC))
    key = keys.add(client=made, key=public, by=factories.SYSTEM, now=datetime.now(UTC))
    return Signer(client_id=made.client_id, key=private, clock=Clock(time.time()), kid=key.kid)


def tried(client: Client, text: str) -> str:
    browser = browsers.of(factories.lotte(), stepped_up=False)
    return browser.post(reverse("contact:dry_run", args=[client.uid]), {"request": text}, follow=True).text


def test_a_good_assertion_would_be_accepted_and_is_not_used_up(made, signer) -> None:
    text = tried(made, signer.assertion())
    assert "We would accept this" in text
    assert not UsedAssertion.objects.exists()
    assert not Token.objects.exists()
    assert not JournalEntry.objects.exists()


def test_all_that_is_wrong_is_told_at_once_each_with_its_fix(made, signer) -> None:
    now = int(datetime.now(UTC).timestamp())
    text = tried(made, signer.assertion(aud="https://elsewhere.example", iss="somebody", iat=now + 192))
    assert "We would refuse this, for 3 reasons" in text
    assert "The aud of your client assertion is not one of our addresses" in text
    assert "The issuer is not your client id" in text
    assert "clock is 3 minutes 1" in text  # 3 minutes 12 seconds, give or take
    assert "Set iss to the client id" in text


def test_every_moment_has_its_day_and_zone(made, signer) -> None:
    """An exp 25 hours ahead reads like one an hour ahead without them."""
    now = int(datetime.now(UTC).timestamp())
    text = tried(made, signer.assertion(exp=now + 25 * 3600))
    day = precise(datetime.fromtimestamp(now + 25 * 3600, UTC))
    assert text.count(day) == 2  # in the comparison and in the table of all claims
    assert re.search(r"2[45] hours( \d+ minutes?)? ahead", text)  # a second may have passed meanwhile
    assert "our clock now" in text
    assert "our clock when it arrived" not in text


def test_the_field_stands_before_the_verdict(made, signer) -> None:
    text = tried(made, signer.assertion(aud="x"))
    assert text.index("<textarea") < text.index("We would refuse this")


def test_the_whole_form_may_be_pasted_as_it_goes_over_the_wire(made, signer) -> None:
    form = signer.form(grant_type="client_credentials")
    assert "We would accept this" in tried(made, urlencode(form))


def test_an_assertion_that_was_broken_into_lines_is_put_together(made, signer) -> None:
    whole = signer.assertion()
    assert "We would accept this" in tried(made, "\n".join((whole[:70], whole[70:140], whole[140:])))


def test_an_assertion_signed_with_another_key_is_told_so(made, signer) -> None:
    signer.key = ec_key()
    assert "The signature does not fit the key" in tried(made, signer.assertion())


def test_a_used_assertion_is_told_to_be_used(made, signer) -> None:
    UsedAssertion.objects.create(client=made, jti_digest=sha256(b"once").digest(), expires_at=datetime.now(UTC))
    assert "The same assertion was used twice" in tried(made, signer.assertion(jti="once"))


def test_a_staged_key_is_told_to_be_staged(made) -> None:
    keys.add(client=made, key=public_key(kid="next"), by=factories.SYSTEM, now=datetime.now(UTC), active=False)
    other = Signer(client_id=made.client_id, key=ec_key(), clock=Clock(time.time()), kid="next")
    assert "it is staged, retired or expired" in tried(made, other.assertion())


@pytest.mark.parametrize("text", ["x", "a.b.c", "a.b.c.d.e", "client_assertion=%00", "é.é.é", "." * 9000])
def test_what_is_no_assertion_is_explained_too(made, text) -> None:
    assert "We would refuse this, for one reason" in tried(made, text)


def test_a_private_key_is_told_to_be_one_and_is_not_in_the_answer(made) -> None:
    text = tried(made, "-----BEGIN PRIVATE KEY-----\nMHcCAQEE\n-----END PRIVATE KEY-----")
    assert "You pasted a private key" in text
    assert "MHcCAQEE" not in text


def test_the_assertion_itself_is_not_in_the_answer(made, signer) -> None:
    assertion = signer.assertion(aud="https://elsewhere.example")
    assert assertion.rpartition(".")[2] not in tried(made, assertion)


def test_a_stranger_cannot_try_anything_against_the_client(made) -> None:
    browser = browsers.of(factories.wim())
    assert browser.post(reverse("contact:dry_run", args=[made.uid]), {"request": "a.b.c"}).status_code == 404


def test_back_and_reload_show_the_answer_again_and_send_nothing(made, signer) -> None:
    browser, assertion = browsers.of(factories.lotte(), stepped_up=False), signer.assertion(sub="x" * 5000)
    address = browser.post(reverse("contact:dry_run", args=[made.uid]), {"request": assertion})["Location"]
    for _time in range(2):
        assert "We would refuse this, for one reason" in browser.get(address).text
    other, _secret = factories.client()
    assert "We would refuse" not in browser.get(address.replace(str(made.uid), str(other.uid))).text
    kept = str(browser.session.items())
    assert assertion.rpartition(".")[2] not in kept
    assert "x" * 401 not in kept
