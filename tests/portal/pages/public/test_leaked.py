"""API M-15: anybody ends a value by pasting it; the page tells nothing of what it does not end, and keeps nothing."""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts.credentials import keys as key_acts
from clients.mail.rendering import render
from clients.models import Client, Key, Mail, Session
from foundation import secret_format
from tests.portal.api.support.callers import token_for
from tests.portal.pages.incident.test_incident import pem, private_jwk
from tests.portal.pages.incident.test_nothing_is_kept import everything_in_the_database
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tests.support.factories import by, lotte, noor, wim
from tests.tokens.support.wire import Clock, basic, process
from tokens.models import Token

pytestmark = pytest.mark.django_db

HERE = "/leaked/"
NOTHING, DONE = "Nothing was ended", "It has been dealt with"


def paste(value: str, browser: Browser | None = None) -> HttpResponse:
    return (browser or Browser()).post(HERE, {"value": value}, follow=True)


def without_tokens(page: HttpResponse) -> str:
    lines = "\n".join(line for line in page.text.splitlines() if "csrfmiddlewaretoken" not in line)
    return re.sub(r"\?done=[\w-]+", "", lines)


@pytest.fixture
def made(settings: Any) -> tuple[Client, str]:
    settings.SECRETS_VIEWABLE = False
    noor()
    return factories.client(now=timezone.now())


def key_of(client: Client, private: Any) -> Key:
    return key_acts.add(client=client, key=keys.public_key(private), by=by(lotte()), now=factories.NOW)


# --- What ends ------------------------------------------------------------------------------------------------------
def test_the_page_says_who_may_end_what_and_what_is_kept() -> None:
    page = " ".join(Browser().get(HERE).text.split())
    assert "To have a value that works is proof enough to end it. This cannot be undone." in page
    assert "Not what you paste" in page
    assert 'autocomplete="off"' in page


@pytest.mark.parametrize("who", ["nobody", "stranger", "security"])
def test_a_secret_ends_whoever_pastes_it(made: tuple[Client, str], who: str) -> None:
    browser = {"nobody": Browser, "stranger": lambda: browsers.of(wim()), "security": lambda: signed_in(noor())}[who]()
    page = paste(f'SECRET = "{made[1]}"', browser)
    assert DONE in page.text
    assert made[0].name not in page.text
    assert made[0].secrets.get().ends_at is not None
    entry = Entry.objects.get(action="incident.revoked")
    assert (entry.actor_label, entry.address) == ("leak report (page)", "127.0.0.1")


def test_a_token_ends_and_its_secret_does_not(made: tuple[Client, str]) -> None:
    assert "The token has stopped working" in paste(token_for(made[0])).text
    assert Token.objects.get().revoked_at
    assert made[0].secrets.get().ends_at is None


@pytest.mark.parametrize("form", [pem, private_jwk])
def test_a_private_key_ends_its_public_half(made: tuple[Client, str], form: Any) -> None:
    private = keys.new_ec()
    key = key_of(made[0], private)
    assert "The key and all tokens of its client have stopped working" in paste(form(private)).text
    key.refresh_from_db()
    assert key.retires_at


def test_a_value_that_ended_is_answered_like_one_that_is_unknown(made: tuple[Client, str]) -> None:
    browser = Browser()
    paste(made[1])
    again, unknown = paste(made[1], browser), paste(secret_format.generate(), browser)
    assert NOTHING in again.text
    assert without_tokens(again) == without_tokens(unknown)
    assert Entry.objects.filter(action="incident.revoked").count() == 1


# --- What proves nothing ----------------------------------------------------------------------------------------------
def forged_jwk(private: Any) -> str:
    """The public half of somebody's key beside a private half that is the pasting person's own."""
    own = json.loads(private_jwk(keys.new_ec()))
    return json.dumps({**keys.jwk_of(private), "d": own["d"]})


def forged_rsa_pem(private: rsa.RSAPrivateKey) -> str:
    """A private key of one's own with the modulus of somebody's public key."""
    own = rsa.generate_private_key(65537, 3072)
    modulus, theirs = (key.public_key().public_numbers().n.to_bytes(384) for key in (own, private))
    der = own.private_bytes(ser.Encoding.DER, ser.PrivateFormat.TraditionalOpenSSL, ser.NoEncryption())
    body = base64.b64encode(der.replace(modulus, theirs)).decode()
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize("proof", ["certificate", "public JWK", "key id", "forged JWK", "forged PEM", "end of secret"])
def test_what_anybody_may_know_ends_nothing(made: tuple[Client, str], proof: str) -> None:
    private = rsa.generate_private_key(65537, 3072) if proof == "forged PEM" else keys.new_ec()
    key = key_of(made[0], private)
    pasted = {
        "certificate": lambda: keys.certificate_pem(private).decode(),
        "public JWK": lambda: json.dumps(keys.jwk_of(private)),
        "key id": lambda: key.kid,
        "forged JWK": lambda: forged_jwk(private),
        "forged PEM": lambda: forged_rsa_pem(private),
        "end of secret": lambda: made[1][-4:],
    }[proof]()
    assert NOTHING in paste(pasted).text
    key.refresh_from_db()
    assert key.retires_at is None
    assert not Entry.objects.filter(action__startswith="incident").exists()


@pytest.mark.parametrize("value", ["", " ", "x" * 20_000])
def test_an_empty_or_endless_value_is_refused(value: str) -> None:
    page = Browser().post(HERE, {"value": value})
    assert page.status_code == 422
    assert "x" * 50 not in page.text


def test_several_values_are_refused(made: tuple[Client, str]) -> None:
    page = paste(f"{made[1]} {token_for(made[0])}")
    assert "Paste them one at a time." in page.text
    assert made[0].secrets.get().ends_at is None


def test_another_site_cannot_paste_for_its_visitor(made: tuple[Client, str]) -> None:
    answer = Browser(enforce_csrf_checks=True).post(HERE, {"value": made[1]})
    assert answer.status_code == 403
    assert made[0].secrets.get().ends_at is None


def test_a_network_that_tries_values_is_stopped(made: tuple[Client, str], settings: Any) -> None:
    settings.FAILURE_RATE_LIMIT = 2
    for _time in range(2):
        assert NOTHING in paste(secret_format.generate()).text
    over = paste(made[1])
    assert (over.status_code, over["Retry-After"]) == (429, "60")
    assert "Too many attempts from your network" in over.text
    assert made[0].secrets.get().ends_at is None
    settings.THROTTLING = False
    assert DONE in paste(made[1]).text


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
def test_the_page_speaks_the_reader_s_language(language: str) -> None:
    page = Browser().get(HERE, headers={"Accept-Language": language})
    assert f'lang="{language}"' in page.text
    assert "End what leaked" not in page.text


# --- Nothing is kept --------------------------------------------------------------------------------------------------
def test_what_was_pasted_is_in_no_column_log_mail_session_or_page(made: tuple[Client, str], caplog: Any) -> None:
    private = keys.new_ec()
    key_of(made[0], private)
    token = token_for(made[0])
    canaries = {
        token: token[6:30],
        pem(private): pem(private).splitlines()[1][4:40],
        made[1]: made[1][6:30],
        secret_format.generate() + "x": "",
    }
    pages, browser = [], Browser()
    with caplog.at_level(logging.DEBUG):
        for pasted in canaries:
            answer = paste(pasted, browser)
            pages += [answer.text, str(answer.redirect_chain), str(answer.headers)]
    mails = [str(render(mail, now=timezone.now())) for mail in Mail.objects.filter(link=None).exclude(kind="code")]
    assert sum("leak" in mail for mail in mails) >= 6
    sessions = [str(browser.session.items()), *(session.session_data for session in Session.objects.all())]
    kept = "\n".join([everything_in_the_database(), caplog.text, *pages, *mails, *sessions])
    for pasted, canary in canaries.items():
        inside = canary or pasted[6:30]
        assert inside not in kept
        assert base64.b64encode(inside.encode()).decode()[:-4] not in kept
    assert reverse("public:leaked") == HERE


@pytest.mark.django_db(transaction=True)
def test_a_pasted_secret_is_dead_at_the_token_endpoint_in_a_second(made: tuple[Client, str]) -> None:
    client, secret = made
    with process(clock := Clock(at=timezone.now().timestamp())) as wire:
        authorization = basic(client.client_id, secret)
        token = wire.token(authorization).json["access_token"]
        began = timezone.now()
        paste(secret)
        clock.at = timezone.now().timestamp()
        assert wire.token(authorization).status == 401
        assert (timezone.now() - began).total_seconds() < 1
        assert wire.get("verify", authorization=f"Bearer {token}").status == 401
