"""Whether a client may use secrets at all: turned off beside a usable key, and never the last way in."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from clients.acts.credentials import keys
from clients.models import Client
from tests.support import factories
from tests.support.keys import public_key
from tokens.models import CredentialUse

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> tuple[Client, str]:
    return factories.client()


def test_the_only_secret_of_a_client_without_a_key_cannot_go(made, browser) -> None:
    client, _old = made
    secret = client.secrets.get()
    answer = browser.post(reverse("contact:end_secret", args=[client.uid, secret.uid]), follow=True).content.decode()
    assert "This is the only way the client can authenticate" in answer
    secret.refresh_from_db()
    assert secret.ends_at is None


def test_secrets_can_be_turned_off_only_beside_a_usable_key(made, browser) -> None:
    client, _old = made
    url = reverse("contact:secret_authentication", args=[client.uid])
    assert (
        "the only way the client can authenticate"
        in browser.post(url, {"allowed": "false"}, follow=True).content.decode()
    )
    keys.add(client=client, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    browser.post(url, {"allowed": "false"})
    client.refresh_from_db()
    assert not client.secret_allowed
    browser.post(url, {"allowed": "true"})
    client.refresh_from_db()
    assert client.secret_allowed


def test_nothing_is_offered_that_would_leave_the_client_no_way_in(made, browser) -> None:
    client, _old = made
    url, off = (
        reverse("contact:credentials", args=[client.uid]),
        reverse("contact:secret_authentication", args=[client.uid]),
    )
    text = browser.get(url).content.decode()
    assert "To do without a secret, add a key first" in text
    assert off not in text
    assert reverse("contact:end_secret", args=[client.uid, client.secrets.get().uid]) not in text
    keys.add(client=client, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    assert off in browser.get(url).content.decode()


def test_turning_secrets_off_says_first_whether_one_is_in_use(made, browser) -> None:
    client, _old = made
    now, secret = datetime.now(UTC), client.secrets.get()
    keys.add(client=client, key=public_key(), by=factories.SYSTEM, now=now)
    CredentialUse.objects.create(credential=secret.credential, client=client, last_used_at=now, uses=40)
    url = reverse("contact:secret_authentication", args=[client.uid])
    assert "just now, 40 times" in browser.get(url).content.decode()
    browser.post(url, {"allowed": "false"})
    text = browser.get(reverse("contact:credentials", args=[client.uid])).content.decode()
    assert "Turned off</" in text
    assert "In use: software" not in text


@pytest.mark.parametrize("with_secret", [True, False])
def test_a_site_that_accepts_no_secrets_offers_none(made, browser, settings, with_secret) -> None:
    client, _secret = made
    if not with_secret:
        client.secrets.all().delete()
    offers = [
        reverse(name, args=[client.uid]) for name in ("contact:regenerate_secret", "contact:secret_authentication")
    ]
    keys.add(client=client, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    address = reverse("contact:credentials", args=[client.uid])
    assert all(offer in browser.get(address).text for offer in offers)
    settings.CLIENT_SECRETS_ACCEPTED = False
    page = browser.get(address).text
    assert "This site accepts no client secrets" in page
    assert not any(offer in page for offer in offers)
