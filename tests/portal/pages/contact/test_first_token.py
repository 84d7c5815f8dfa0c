"""The page of the first token: commands with everything in them, and the panel that says whether it worked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client as Browser
from django.urls import reverse

from audit.models import Entry
from clients.acts.credentials import keys
from clients.models import Client
from tests.portal.support import browsers
from tests.support import factories
from tests.support.keys import certificate_pem, new_ec, public_key
from tokens.models import Token

pytestmark = pytest.mark.django_db


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def made() -> tuple[Client, str]:
    return factories.client()


def page_of(client: Client) -> str:
    return reverse("contact:first_token", args=[client.uid])


def panel(browser: Browser, client: Client, seen: str) -> tuple[int, str]:
    answer = browser.get(reverse("contact:first_token_live", args=[client.uid]), {"seen": seen})
    return answer.status_code, answer.content.decode()


def issue(client: Client) -> Token:
    secret = client.secrets.get()
    return Token.objects.create(
        digest=b"d" * 32, client=client, epoch=client.epoch, scope="address.read", issued_at=now(),
        expires_at=now() + timedelta(hours=1), credential=secret.credential, address="193.190.44.18",
    )  # fmt: skip


# --- The commands -----------------------------------------------------------------------------------------------------
def test_a_get_has_every_value_but_the_secret(made) -> None:
    client, secret = made
    text = browsers.of(factories.lotte()).get(page_of(client)).text
    assert "--user &#x27;" + client.client_id + "&#x27;:&#x27;YOUR_CLIENT_SECRET&#x27;" in plain(text)
    assert "export KEYDESK_CLIENT_ID=" in plain(text)
    assert f"KEYDESK_CLIENT_ID={client.client_id}" in plain(text)  # .env
    for language in ("Python", "Java", "C#", "JavaScript (Node)", "Go", "PHP"):
        assert f">{language}</label>" in text
    assert "stays in its history" in text
    assert secret not in text


def plain(text: str) -> str:
    """The page without the marks of the colours of a command."""
    return re.sub(r"</?span[^>]*>", "", text)


def test_the_answer_to_the_post_has_the_secret_and_is_logged_and_the_next_get_has_not(made) -> None:
    client, secret = made
    browser = browsers.of(factories.lotte())
    answer = browser.post(page_of(client))
    assert answer.status_code == 200
    assert plain(answer.text).count(secret) == 3  # curl, shell, .env
    assert "What you type in a shell stays in its history" in plain(answer.text)
    assert "no-store" in answer["Cache-Control"]
    assert Entry.objects.filter(action="secret.viewed").count() == 1
    assert secret not in browser.get(page_of(client)).text


def test_without_a_step_up_the_secret_waits_for_the_code(made) -> None:
    client, secret = made
    browser = browsers.of(factories.lotte(), stepped_up=False)
    asked = browser.post(page_of(client))
    assert browsers.is_asked(asked)
    answer = browser.post(asked["Location"], {"code": browsers.newest_code()})
    assert secret in answer.text
    assert secret not in browser.get(asked["Location"], follow=True).text


def test_a_client_with_a_key_gets_programs_that_sign_with_it(made) -> None:
    client, _secret = made
    keys.add(client=client, key=public_key(), by=factories.by(factories.lotte()), now=now())
    text = browsers.of(factories.lotte()).get(page_of(client)).text
    assert client.keys.get().kid in text
    assert "client_assertion_type" in text


def test_a_client_that_may_not_ask_for_tokens_has_no_such_page(made) -> None:
    client, _secret = made
    Client.objects.filter(pk=client.pk).update(status=Client.Status.SUSPENDED)
    assert browsers.of(factories.lotte()).get(page_of(client)).status_code == 302


# --- The panel --------------------------------------------------------------------------------------------------------
def test_the_panel_waits_then_shows_the_refusal_with_its_fix_then_the_token(made) -> None:
    client, _secret = made
    browser = browsers.of(factories.lotte())
    text = browser.get(page_of(client)).text
    assert "Waiting for your first token" in text
    assert 'role="status"' in text
    assert panel(browser, client, "waiting")[0] == 204
    refused = factories.refused(client, "secret_wrong", at=now(), facts={"slip": "line_end", "length": 54})
    status, text = panel(browser, client, "waiting")
    assert status == 200
    assert "A line end came along with your client secret" in text
    assert f"/why/{refused.request_id}" in text
    assert panel(browser, client, f"refused-{refused.pk}")[0] == 204
    token = issue(client)
    status, text = panel(browser, client, f"refused-{refused.pk}")
    assert status == 200
    assert "Your first token came" in text
    assert "193.190.44.18" in text
    assert token.ending in text
    assert "data-seen" not in text  # the page stops asking
    assert "Add a passkey" in text
    Authenticator.objects.create(user=factories.lotte(), type="webauthn", data={"name": "Laptop", "credential": {}})
    assert "Add a passkey" not in panel(browser, client, f"refused-{refused.pk}")[1]


def test_polling_keeps_no_session_alive(made) -> None:
    client, _secret = made
    browser = browsers.of(factories.lotte())
    browser.get(page_of(client))
    session = browser.session
    long_ago = session["seen_at"] = session["seen_at"] - 600
    session.save()
    panel(browser, client, "waiting")
    assert browser.session["seen_at"] == long_ago
    browser.get(page_of(client))
    assert browser.session["seen_at"] > long_ago


# --- The way there ----------------------------------------------------------------------------------------------------
def test_after_the_first_key_the_reader_is_back_on_the_page(made) -> None:
    client, _secret = made
    browser = browsers.of(factories.lotte())
    pasted = certificate_pem(new_ec(), now=now()).decode()
    form = {"way": "paste", "pasted": pasted}
    understood = browser.post(reverse("contact:add_key", args=[client.uid]), form, follow=True).text
    [material] = re.findall(r'name="material"[^>]*? value="([^"]*)"', understood)
    answer = browser.post(reverse("contact:confirm_key", args=[client.uid]), {"material": material, "start": "now"})
    assert answer["Location"] == page_of(client)
