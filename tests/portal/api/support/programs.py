"""Programs of the Security team, with a token of a key of theirs."""

from __future__ import annotations

from clients.acts.credentials import keys
from clients.models import Scope
from tests.portal.api.support.callers import Caller, token_for
from tests.support import factories
from tests.support.keys import public_key


def program(*scopes: str) -> Caller:
    """Return a program with these scopes of Keydesk's own API, and a token that carries them."""
    held = tuple(Scope.objects.get(name=name) for name in scopes)
    client, _secret = factories.client(contact=factories.wim(), scopes=held, defaults=())
    key = keys.add(client=client, key=public_key(), by=factories.SYSTEM, now=factories.NOW)
    return Caller(client, token_for(client, key, scope=" ".join(scopes)))
