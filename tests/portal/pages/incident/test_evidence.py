"""Evidence of use on the pages: from which networks a credential was used, also when it has ended (PROTOCOL C-41)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clients.acts.credentials import keys as key_acts
from clients.models import Client, Key
from tests.portal.pages.incident.test_incident import revoke
from tests.portal.pages.incident.test_pasted_secret import look_up
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tests.support.factories import by, lotte, noor
from tokens import tasks
from tokens.acts.uses import evidence
from tokens.models import Token
from tokens.protocol.traits import OTHER

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    found, _secret = factories.client(now=datetime.now(UTC))
    return found


@pytest.fixture
def key(client: Client) -> Key:
    return key_acts.add(client=client, key=keys.certificate(), by=by(lotte()), now=factories.NOW)


def test_networks_of_a_credential_are_known_after_its_tokens_are_gone(client, key) -> None:
    now = datetime.now(UTC)
    for days, network in ((300, "198.51.100.0/24"), (2, "193.190.44.18"), (1, "193.190.44.18"), (0, OTHER)):
        row = factories.used(client, key.credential, at=now - timedelta(days=days))
        type(row).objects.filter(day=row.day, credential=key.credential).update(network=network)
    factories.used(client, "secret:999")  # of another credential
    refused = factories.used(client, key.credential, at=now - timedelta(days=9))
    type(refused).objects.filter(day=refused.day).update(network="203.0.113.9", uses=0, issued=0, refused=5)
    found = evidence.of_client(client, key.credential)
    assert [(use.network, use.issued, use.refused) for use in found] == [
        (OTHER, 3, 0), ("193.190.44.18", 6, 0), ("203.0.113.9", 0, 5), ("198.51.100.0/24", 3, 0),
    ]  # fmt: skip
    assert (found[1].first, found[1].last) == (now - timedelta(days=2), now - timedelta(days=1))
    assert not Token.objects.exists()
    for name, args in (("security:retire_key", [client.uid, key.uid]), ("security:client", [client.uid])):
        page = signed_in(noor()).get(reverse(name, args=args)).text
        for words in ("Where it was used from, in the last 400 days", "193.190.44.18", "203.0.113.9", "Other networks"):
            assert words in page


def test_the_evidence_outlives_the_tokens_and_the_credential(client, key) -> None:
    """PROTOCOL C-41: after revoking and purging, staff and contacts see who used the key."""
    seen = factories.used(client, key.credential)
    type(seen).objects.update(network="193.190.44.18")
    revoke(look_up(key.kid))
    tasks.purge_expired()
    for reader, name in ((signed_in(noor()), "security:client"), (browsers.of(lotte()), "contact:networks")):
        page = reader.get(reverse(name, args=[client.uid])).text
        assert "193.190.44.18" in page
        assert key.kid in page


def test_the_networks_of_a_client_are_those_of_all_its_credentials(client, key) -> None:
    factories.used(client, key.credential)
    factories.used(client, "secret:999")
    factories.used(client, "", token_in_query=True)  # sent by an API that checks a token
    found = evidence.of_client(client)
    assert {(use.network, use.credential, use.uses) for use in found} == {
        ("192.0.2.0/24", key.credential, 3), ("192.0.2.0/24", "secret:999", 3),
    }  # fmt: skip
