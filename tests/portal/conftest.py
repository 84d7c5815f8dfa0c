"""Fixtures of the contacts' pages: Lotte, her client, and her browser."""

import os
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser

from audit import verification_runs
from clients.acts.credentials import keys
from clients.models import Client, ContactAccount, Mail, User
from tests.portal.support import browsers
from tests.portal.support.contact_provider import Provider, missing_tools, running_provider
from tests.support import factories
from tests.support.commands import Commands
from tests.support.keys import public_key
from tokens.models import JournalEntry

# Without Node.js a warning is given and these are left out, but not in CI.
collect_ignore = []
if missing := missing_tools():
    complaint = f"{' and '.join(missing)} not installed here: accounts of contacts were not tested"
    assert not os.environ.get("CI"), complaint
    warnings.warn(complaint, stacklevel=1)
    collect_ignore = [
        "guards/test_step_up_by_account.py",
        "sign_in/test_contact_accounts.py",
        "sign_in/test_required_accounts.py",
    ]


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Of an operator. Each has an environment of its own, if need be, and reads its settings from there."""
    commands = Commands(tmp_path_factory.mktemp("commands"), os.environ)
    yield commands
    commands.close()


@pytest.fixture
def in_one_window() -> Iterator[None]:
    """A clock that is far from the end of any window in which failed attempts are counted."""
    with time_machine.travel(datetime.now(UTC).replace(minute=1, second=0)):
        yield


@pytest.fixture
def lotte(db: None) -> User:
    return factories.lotte()


@pytest.fixture
def made(lotte: User) -> Client:
    client, _secret = factories.client(contact=lotte)
    return client


@pytest.fixture
def browser(lotte: User) -> Browser:
    """Signed in, the step-up done."""
    return browsers.of(lotte)


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider of contacts' accounts that runs; `provider` is it in the settings."""
    with running_provider(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture
def provider(listening: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setitem(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS", [listening.app()])
    listening.browsers.clear()
    return listening


@pytest.fixture
def things(lotte: User, made: Client) -> dict[str, Any]:
    """Return an object of each kind that an address can name; the client and the request are Lotte's."""
    return {
        "client": made,
        "key": keys.add(client=made, key=public_key(), by=factories.by(lotte), now=factories.NOW),
        "trust": factories.trust(made),
        "registration": factories.submitted_request(contact_email=lotte.email),
        "owner": factories.api_owner(),
        "decided": factories.decided_request(),
        "contact": made.contacts.get(),
        "account": ContactAccount.objects.create(
            user=lotte, issuer="https://login.example", subject="l-1", bound_at=factories.NOW, used_at=factories.NOW
        ),
        "proposal": factories.proposed_contact(made),
        "scope": factories.scope(),
        "issuer": factories.issuer(),
        "network": made.networks.create(network="192.0.2.0/24", first_at=factories.NOW, is_new=True),
        "delivery": factories.failed_delivery(),
        "delivery_of_api": factories.failed_delivery(factories.webhook(of=factories.api())),
        "proposed_webhook": factories.proposed_webhook(factories.api()),
        "mail": Mail.objects.latest("created_at"),
        "refusal": JournalEntry.objects.create(
            client=made,
            at=factories.NOW,
            request_id="7d1c88f041b2",
            endpoint="token",
            error="invalid_client",
            rule="kid",
        ),
        "colleague": factories.bram(),
        "package": factories.package(),
        "reply_text": factories.reply_text(),
        "view": factories.noor().saved_views.create(name="Mine", query="who=me"),
        "verification": verification_runs.start(by=factories.by(factories.ada()), now=factories.NOW),
    }
