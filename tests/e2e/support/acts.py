"""Acts of Keydesk, done one after the other by a process of their own on the database of a running one.

`python -m tests.e2e.support.acts` reads a line of JSON, `[name, argument, ...]`, and writes the answer as another when
the act has returned, that is after its commit. tests/e2e/support/racing.py is the other end.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.utils import timezone  # noqa: E402  (settings first)

from clients import keymaterial  # noqa: E402  (after django.setup())
from clients.actors import COMMAND_LINE  # noqa: E402  (after django.setup())
from clients.acts import lifecycle  # noqa: E402  (after django.setup())
from clients.acts.credentials import client_secrets  # noqa: E402  (after django.setup())
from clients.models import Api, Client, Scope, User  # noqa: E402  (after django.setup())
from tokens.acts import invalidation  # noqa: E402  (after django.setup())
from tokens.models import Token  # noqa: E402  (after django.setup())
from tokens.protocol import token_format  # noqa: E402  (after django.setup())


def create(scope: str, rate_limit: int | None, jwk: dict[str, object] | None) -> tuple[str, str]:
    """A client with this scope, which it gets by default too: its id and secret."""
    scopes = list(Scope.objects.filter(name=scope))
    key = keymaterial.read(json.dumps(jwk).encode(), now=timezone.now(), kind="jwk")[0] if jwk else None
    client, secret = lifecycle.create(
        name="Races", organisation="", contact=contact(), scopes=scopes, defaults=scopes, key=key, **done()
    )
    lifecycle.change_settings(client=client, settings={"rate_limit": rate_limit}, **done())
    return client.client_id, secret


def create_resource_server(api: str) -> tuple[str, str]:
    serves = Api.objects.filter(identifier=api)
    client, secret = lifecycle.create(
        name="Races", organisation="", contact=contact(), scopes=[], serves=serves, **done()
    )
    return client.client_id, secret


def regenerate(client_id: str) -> str:
    """The new secret; the old one stops at once."""
    client, (overlap, _label) = named(client_id), client_secrets.OVERLAPS["0"]
    return client_secrets.regenerate(client=client, replaces=client.secrets.current().get(), overlap=overlap, **done())


def suspend(client_id: str) -> None:
    lifecycle.suspend(client=named(client_id), reason="A race", **done())


def reactivate(client_id: str) -> None:
    lifecycle.reactivate(client=named(client_id), reason="The race is over", **done())


def invalidate_all(client_id: str) -> None:
    invalidation.invalidate_all(client=named(client_id), **done())


def invalidate_issued_to(client_id: str) -> None:
    """Of the client's one secret."""
    secret = named(client_id).secrets.current().get()
    invalidation.invalidate_issued_to(credential=secret, **done())


def revoke(token: str) -> None:
    invalidation.revoke(token=Token.objects.get(digest=token_format.digest(token)), **done())


def named(client_id: str) -> Client:
    return Client.objects.get(client_id=client_id)


def contact() -> User:
    return User.objects.contact(email="races@keydesk.example")


def done() -> dict[str, Any]:
    return {"by": COMMAND_LINE, "now": timezone.now()}


ACTS = (create, create_resource_server, regenerate, suspend, reactivate, invalidate_all, invalidate_issued_to, revoke)

if __name__ == "__main__":
    known = {act.__name__: act for act in ACTS}
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        sys.stdout.write(json.dumps(known[name](*arguments)) + "\n")
        sys.stdout.flush()
