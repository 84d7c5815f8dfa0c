"""The dry run of a whole token request: a curl command, a raw HTTP request, a form."""

from __future__ import annotations

import base64
import logging
from urllib.parse import quote

import pytest
from django.urls import reverse

from clients.models import Client
from foundation import secret_format
from tests.portal.pages.incident.test_nothing_is_kept import everything_in_the_database
from tests.portal.support import browsers
from tests.support import factories
from tests.tokens.support.wire import TOKEN_URL

pytestmark = pytest.mark.django_db


@pytest.fixture
def given(settings) -> tuple[Client, str]:
    """Lotte's client and its secret, of which only the digest is in the database."""
    settings.SECRETS_VIEWABLE = False
    return factories.client(contact=factories.lotte())


def tried(client: Client, text: str, status: int = 200) -> str:
    browser = browsers.of(factories.lotte(), stepped_up=False)
    page = browser.post(reverse("contact:dry_run", args=[client.uid]), {"request": text}, follow=True)
    assert page.status_code == status
    return " ".join(page.text.split())


def command(client: Client, secret: str, more: str = "") -> str:
    return f"curl {TOKEN_URL} \\\n  -u '{client.client_id}:{secret}' \\\n  -d grant_type=client_credentials {more}"


def test_a_good_command_would_get_a_token_for_its_scopes(given) -> None:
    text = tried(given[0], command(*given))
    assert "We would accept this" in text
    assert 'it gets an access token for <span class="kd-mono">address.read</span>' in text
    assert "We did not see the secret" not in text


def test_the_text_stays_without_its_secret(given) -> None:
    text = tried(given[0], command(*given, "-d scope=adress.read"))
    assert "scope=adress.read" in text.partition("<textarea")[2]
    assert given[1] not in text
    assert f"kds_{'*' * 45}{given[1][-4:]}" in text
    assert "Did you mean address.read?" in text
    assert text.index("<textarea") < text.index("We would refuse this")


def test_a_secret_that_the_browser_hid_is_compared_as_far_as_it_goes(given) -> None:
    client, secret = given
    text = tried(client, command(client, f"kds_{'*' * 45}{secret[-4:]}"))
    assert "We would accept this, with the right secret" in text
    assert "We did not see the secret" in text
    wrong = tried(client, command(client, f"kds_{'*' * 45}0000"))
    assert "It is a whole Keydesk secret, but not one of this client." in wrong


def test_the_request_of_another_client_is_named_as_that(given) -> None:
    text = tried(given[0], command(given[0], given[1]).replace(given[0].client_id, "k4m9xw2hz7ra"), status=422)
    assert f"It names the client id k4m9xw2hz7ra. This page tests requests of {given[0].client_id}." in text
    assert given[1] not in text


def test_a_request_to_another_environment_is_named_as_that(given) -> None:
    text = tried(given[0], command(*given).replace("http://testserver", "https://keydesk.example"))
    assert "It goes to another address" in text
    assert "keydesk.example/oauth/v2/token" in text
    assert TOKEN_URL in text
    assert "It goes to another address" not in tried(given[0], command(*given))


def test_what_is_not_in_the_text_is_asked_for(given) -> None:
    assert "Paste the content in the place of" in tried(given[0], f"curl {TOKEN_URL} -d @form.txt", status=422)
    assert "Paste the assertion again" in tried(given[0], f'curl {TOKEN_URL} -d "client_assertion=$JWT"', status=422)


def test_what_json_and_the_wrong_method_do_is_told(given) -> None:
    assert "The parameters were not sent as a form" in tried(given[0], f"curl {TOKEN_URL} --json '{{}}'")
    assert "The request used the wrong HTTP method" in tried(given[0], f"curl {TOKEN_URL}")


def test_without_scripts_the_page_says_that_the_secret_travels(given) -> None:
    page = browsers.of(factories.lotte()).get(reverse("contact:dry_run", args=[given[0].uid])).text
    without_scripts = page.partition("<noscript>")[2].partition("</noscript>")[0]
    assert "a client secret in the text travels to us" in " ".join(without_scripts.split())


def test_no_secret_is_stored_logged_or_shown(given, caplog) -> None:
    """SECURITY, secrets: the canary of this page, in each form in which a request may carry it."""
    client, ours = given
    secrets = {"ours": ours, "another of ours": secret_format.generate(), "another kind": "Tr0ub4dor&3+x/y"}
    pages = []
    with caplog.at_level(logging.DEBUG):
        for secret in secrets.values():
            encoded = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
            quoted = quote(secret, safe="")
            for text in (
                command(client, secret),
                f"curl -H 'Authorization: Basic {encoded}' -d grant_type=client_credentials {TOKEN_URL}",
                f"curl https://{client.client_id}:{quoted}@testserver/oauth/v2/token -d grant_type=client_credentials",
                f"grant_type=client_credentials&client_id={client.client_id}&client_secret={quoted}",
                f"client_id=other&client_secret={quoted}",
                f'curl {TOKEN_URL} --json \'{{"client_secret": "{secret}"}}\'',
                f"POST /oauth/v2/token HTTP/1.1\nAuthorization: Basic {encoded}\n\ngrant_type=x",
                f"POST /oauth/v2/token HTTP/1.1\nAuthorization: {secret}\n\ngrant_type=x",
                f"curl {TOKEN_URL} -d @x -u {client.client_id}:{secret}",
            ):
                browser = browsers.of(factories.lotte(), stepped_up=False)
                page = browser.post(reverse("contact:dry_run", args=[client.uid]), {"request": text}, follow=True)
                pages += [page.text, str(browser.session.items())]
    kept = "\n".join([everything_in_the_database(), caplog.text, *pages])
    for name, secret in secrets.items():
        encoded = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
        for form in (secret, quote(secret, safe=""), encoded[16:]):
            assert form not in kept, name
