"""Shared parts of clients' snapshots, and the number of snapshots kept."""

from __future__ import annotations

from clients.models import Issuer
from tests.support import factories
from tests.tokens.support.issuers import form, github
from tests.tokens.support.wire import basic


def snapshot(wire, client):
    return wire.application.services.clients.cached(client.client_id)


def test_clients_that_trust_an_issuer_share_its_keys_until_they_change(made, clock, wire):
    """A key is imported once, and not once for each client."""
    platform = github(clock)
    clients = [made[0], factories.client(scopes=(factories.scope("address.read"),))[0]]
    for client in clients:
        platform.trust(client)
        assert wire.post("token", form(client, platform.token())).status == 200
    first, second = (snapshot(wire, client).trusts[0].issuer.keys for client in clients)
    assert first is second

    platform.kid = "platform-2"
    issuer = Issuer.objects.get()
    issuer.keys[0]["kid"] = platform.kid
    issuer.save()
    assert wire.post("token", form(clients[0], platform.token())).status == 200
    assert [key.kid for key in snapshot(wire, clients[0]).trusts[0].issuer.keys] == ["platform-2"]


def test_clients_with_equal_scopes_share_them_and_others_do_not(made, wire):
    scopes = factories.scope("address.read"), factories.scope("address.write")
    alike, other = factories.client(scopes=scopes, defaults=scopes[:1]), factories.client(scopes=scopes[:1])
    for client, secret in (made, alike, other):
        assert wire.token(basic(client.client_id, secret), "address.read").status == 200
    assert snapshot(wire, made[0]).scopes is snapshot(wire, alike[0]).scopes
    assert "address.write" not in snapshot(wire, other[0]).scopes


def test_no_more_clients_are_kept_than_the_setting_says(made, start):
    wire = start(cached_clients=1)
    other = factories.client(scopes=(factories.scope("address.read"),))
    for client, secret in (made, other):
        assert wire.token(basic(client.client_id, secret), "address.read").status == 200
    assert snapshot(wire, made[0]) is None
    assert snapshot(wire, other[0]) is not None
