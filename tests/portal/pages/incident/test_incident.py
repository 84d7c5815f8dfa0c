"""Whatever leaked: it is named with its client, what it could do and who used it, and ended in one act."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as ser
from django.urls import reverse
from joserfc.jwk import ECKey

from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import keys as key_acts
from clients.mail.rendering import render
from clients.models import Client, Key, Mail
from tests.portal.pages.incident.test_pasted_secret import look_up, reference, token_of
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tests.support.factories import by, lotte, noor
from tests.tokens.support.wire import Signer
from tokens.models import Token

pytestmark = pytest.mark.django_db

RETIRE, END = "Revoke this key and its tokens", "Revoke this secret and its tokens"


@pytest.fixture
def private() -> Any:
    return keys.new_ec()


@pytest.fixture
def client() -> Client:
    sensitive = factories.scope("person.nrn.read", sensitive=True)
    found, _secret = factories.client(scopes=(factories.scope(), sensitive), now=datetime.now(UTC))
    return found


@pytest.fixture
def key(client: Client, private: Any) -> Key:
    """A certificate, as most clients have one."""
    return key_acts.add(client=client, key=keys.certificate(private), by=by(lotte()), now=factories.NOW)


def pem(private: Any) -> str:
    return private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption()).decode()


def private_jwk(private: Any) -> str:
    numbers = private.private_numbers().private_value.to_bytes(32)
    return json.dumps({**keys.jwk_of(private), "d": base64.urlsafe_b64encode(numbers).rstrip(b"=").decode()})


def revoke(page: str, act: str = "revoke", **more: str):
    told = {
        "leak": reference(page),
        "act": act,
        "case": "SEC-2026-031",
        "reason": "Found in a public repository",
        **more,
    }
    return signed_in(noor()).post(reverse("security:revoke_leak"), told, follow=True)


def assertion_of(client_id: str, private: Any, kid: str | None = None) -> str:
    return Signer(client_id, ECKey.import_key(pem(private)), time.time, kid=kid).assertion()


# --- Naming it ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda key, private: pem(private),
        lambda key, private: pem(private).replace("\n", ""),
        lambda key, private: private_jwk(private),
        lambda key, private: keys.certificate_pem(private).decode(),
        lambda key, private: key.kid,
        lambda key, private: key.thumbprint,
        lambda key, private: key.jwk["x5t"],
        lambda key, private: key.jwk["x5t#S256"],
        lambda key, private: base64.urlsafe_b64decode(key.jwk["x5t"] + "=").hex().upper(),
        lambda key, private: base64.urlsafe_b64decode(key.jwk["x5t"] + "=").hex(":"),
        lambda key, private: key.serial,
    ],
    ids=[
        "PEM",
        "PEM in one line",
        "JWK",
        "certificate",
        "kid",
        "thumbprint",
        "x5t",
        "x5t#S256",
        "hex",
        "hex with :",
        "serial number",
    ],
)
def test_a_key_is_named_with_its_client_by_whatever_is_in_hand(client, key, private, wrapped) -> None:
    page = look_up(wrapped(key, private))
    for words in (client.name, key.kid, "Works now", RETIRE, key.thumbprint):
        assert words in page


def test_an_assertion_names_its_client_and_the_key_that_signed_it(client, key, private) -> None:
    page = look_up(f"client_assertion={assertion_of(client.client_id, private, key.kid)}&grant_type=client_credentials")
    assert "This is a client assertion, signed with this key." in page
    assert RETIRE in page
    page = look_up(assertion_of(client.client_id, keys.new_ec(), "unknown"))
    assert "no key of the client signed it" in page
    assert client.name in page
    assert RETIRE not in page
    assert "No client is named by this assertion" in look_up(assertion_of("nobody", private))


def test_a_secret_is_named_by_its_last_characters(client) -> None:
    secret = client.secrets.get()
    for text in (secret.hint, f"…{secret.hint}", f"...{secret.hint}"):
        page = look_up(text)
        assert client.name in page
        assert END in page


def test_a_basic_header_with_another_secret_names_its_client(client) -> None:
    header = base64.b64encode(f"{client.client_id}:something-else".encode()).decode()
    assert client.name in look_up(f"Authorization: Basic {header}")


def test_a_client_id_of_before_names_its_client(client) -> None:
    old = client.client_id
    lifecycle.change_client_id(client=client, seen=old, by=by(lotte()), now=datetime.now(UTC))
    page = look_up(old)
    assert client.name in page
    assert "no secret but a client id" in page
    assert "Invalidate all tokens of the client" in page


def test_no_answer_is_an_all_clear() -> None:
    assert "No client has the public half of this key" in look_up(pem(keys.new_ec()))
    encrypted = keys.new_ec().private_bytes(
        ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.BestAvailableEncryption(b"pass")
    )
    assert "This private key could not be read" in look_up(encrypted.decode())
    assert "No client has this key or certificate" in look_up(keys.certificate_pem().decode())
    assert "No client has this secret or token" in look_up("rubbish")
    assert Entry.objects.first().changes == {"leaked": [None, "name"]}


def test_one_that_two_clients_have_or_had_is_shown_for_both(client, key, private) -> None:
    other, _secret = factories.client(contact=factories.wim())
    Key.objects.filter(pk=key.pk).update(retires_at=factories.NOW)
    copy = Key.objects.get(pk=key.pk)
    copy.pk, copy.uid, copy.client, copy.retires_at = None, other.uid, other, None
    copy.save()
    page = look_up(pem(private))
    assert client.name in page
    assert other.name in page
    entry = Entry.objects.first()
    assert (entry.action, entry.subject_id) == ("incident.looked_up", "several")


# --- The card -------------------------------------------------------------------------------------------------------
def seen_from(client: Client, credential: str, *addresses: str) -> None:
    for address in addresses:
        token_of(client, credential)
        Token.objects.filter(address=None).update(address=address)


def test_the_card_says_what_it_could_do_who_used_it_and_whom_to_call(client, key) -> None:
    seen_from(client, key.credential, "193.190.44.18", "193.190.44.18", "198.51.100.7")
    seen_from(client, client.secrets.get().credential, "203.0.113.9")
    page = look_up(key.kid)
    for words in (
        "193.190.44.18", "198.51.100.7", "person.nrn.read", "Addresses", "Sensitive", lotte().email, "Owner",
    ):  # fmt: skip
        assert words in page.replace("<wbr>", "")
    assert "203.0.113.9" not in page
    assert "Nothing else authenticates this client" not in page
    client.secrets.update(ends_at=factories.NOW)
    assert "Nothing else authenticates this client" in look_up(key.kid)


# --- The acts -------------------------------------------------------------------------------------------------------
def test_a_leaked_key_is_retired_with_its_tokens_and_addresses_are_logged(client, key, private) -> None:
    seen_from(client, key.credential, "193.190.44.18", "198.51.100.7")
    page = revoke(look_up(pem(private)), message="Make a new key before noon.").content.decode()
    assert "Revoked. The contacts" in page
    key.refresh_from_db()
    assert key.state(datetime.now(UTC)) == Key.State.RETIRED
    assert not Token.objects.live(datetime.now(UTC)).exists()
    entry = Entry.objects.first()
    assert (entry.action, entry.subject_id, entry.note) == (
        "incident.revoked", key.audit_id, "Found in a public repository",
    )  # fmt: skip
    addresses = entry.changes["addresses"][1]
    assert [text.split(" (")[0] for text in addresses] == ["193.190.44.18", "198.51.100.7"]
    mail = Mail.objects.get(kind=Mail.Kind.LEAK_REVOKED)
    text = render(mail, now=datetime.now(UTC)).body
    assert "Make a new key before noon." in text
    assert "public repository" not in text
    assert "Does not work any more" in look_up(pem(private))


def test_a_renewed_key_is_retired_under_its_older_key_ids_too(client, key, private) -> None:
    key_acts.add(client=client, key=keys.certificate(private, days=500), by=by(lotte()), now=factories.NOW)
    assert client.keys.count() == 2
    page = look_up(pem(private))
    assert page.count('value="revoke"') == 1
    revoke(page)
    assert not client.keys.usable(datetime.now(UTC)).exists()


def test_a_staged_key_can_be_retired(client, private) -> None:
    staged = key_acts.add(client=client, key=keys.public_key(private), by=by(lotte()), now=factories.NOW, active=False)
    revoke(look_up(staged.kid))
    staged.refresh_from_db()
    assert staged.retires_at is not None


@pytest.mark.parametrize(("act", "action"), [("tokens", "client.tokens_invalidated"), ("suspend", "client.suspended")])
def test_all_tokens_can_be_ended_or_the_client_suspended(client, key, act, action) -> None:
    revoke(look_up(client.client_id), act)
    entry = Entry.objects.first()
    assert (entry.action, entry.note) == (action, "Found in a public repository")


@pytest.mark.parametrize("act", ["revoke", "tokens", "suspend"])
def test_each_act_needs_a_reason_and_keeps_what_was_typed(client, key, act) -> None:
    answer = revoke(look_up(key.kid), act, reason="", message="Call us.")
    assert answer.status_code == 422
    assert "Call us.</textarea>" in answer.text
    assert f'name="act" value="{act}"' in answer.text
    assert Entry.objects.first().action == "incident.looked_up"


def test_a_client_id_alone_cannot_be_revoked(client) -> None:
    assert "by itself gives no access" in revoke(look_up(client.client_id)).text


def test_an_act_that_does_not_exist_is_not_there(client, key) -> None:
    assert revoke(look_up(key.kid), "delete").status_code == 404


# --- Without the value ----------------------------------------------------------------------------------------------
def test_the_page_of_a_client_ends_one_key_or_one_secret(client, key) -> None:
    page = signed_in(noor()).get(reverse("security:client", args=[client.uid])).text
    secret = client.secrets.get()
    for name, credential, words in (("security:retire_key", key, RETIRE), ("security:end_secret", secret, END)):
        url = reverse(name, args=[client.uid, credential.uid])
        assert url in page
        assert words in signed_in(noor()).get(url).text
        assert signed_in(noor()).post(url, {"case": "SEC-2026-031", "reason": "They lost a laptop"}).status_code == 302
        entry = Entry.objects.first()
        assert (entry.action, entry.subject_id, entry.note) == (
            "incident.revoked", credential.audit_id, "They lost a laptop",
        )  # fmt: skip
        again = signed_in(noor()).post(url, {"case": "SEC-2026-031", "reason": "They lost a laptop"}, follow=True)
        assert "had stopped working already" in again.text
    assert not client.keys.usable(datetime.now(UTC)).exists()
    assert not client.secrets.usable(datetime.now(UTC)).exists()


def test_a_credential_of_another_client_is_not_reached_through_this_one(client, key) -> None:
    other, _secret = factories.client(contact=factories.wim())
    for name, credential in (("security:retire_key", key), ("security:end_secret", client.secrets.get())):
        assert signed_in(noor()).get(reverse(name, args=[other.uid, credential.uid])).status_code == 404


def test_the_time_of_a_token_is_not_asked_of_the_clock(client, key) -> None:
    """A token from a machine whose clock is ahead goes with its key, too."""
    token_of(client, key.credential)
    Token.objects.update(issued_at=datetime.now(UTC) + timedelta(seconds=5))
    revoke(look_up(key.kid))
    assert not Token.objects.live(datetime.now(UTC)).exists()
