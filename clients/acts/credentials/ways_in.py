"""Ways in: credentials of a client, and those that remain when one ends. A trust counts like a key."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from clients.models import Client, Key, Secret, Trust


def credential_of(client: Client, uid: UUID) -> Key | Secret | Trust | None:
    """Return the client's key, secret or trust with this id, ended or not."""
    key, secret = client.keys.filter(uid=uid).first(), client.secrets.filter(uid=uid).first()
    return key or secret or client.trusts.select_related("issuer").filter(uid=uid).first()


def others_work(client: Client, ending: Key | Secret | Trust | None, then: datetime) -> bool:
    """Return whether the client has a key, a trust or a secret to count on then, other than the one that ends."""
    keys, trusts, secrets = client.keys.lasting(then), client.trusts.lasting(then), client.secrets.lasting(then)
    if isinstance(ending, Key):
        keys = keys.exclude(pk=ending.pk)
    elif isinstance(ending, Trust):
        trusts = trusts.exclude(pk=ending.pk)
    elif isinstance(ending, Secret):
        secrets = secrets.exclude(pk=ending.pk)
    return keys.exists() or trusts.exists() or (client.accepts_secrets and secrets.exists())


def without_secrets(client: Client, then: datetime) -> bool:
    """Return whether the client has a key or a trust to count on then."""
    return client.keys.lasting(then).exists() or client.trusts.lasting(then).exists()
