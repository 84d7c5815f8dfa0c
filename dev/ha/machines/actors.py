"""Make the clients, people and session of the load, and print them as JSON: `python -m dev.ha.machines.actors`."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

import django

django.setup()

from allauth.account.models import EmailAddress  # noqa: E402  (after django.setup())
from django.conf import settings  # noqa: E402  (after django.setup())
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402  (after django.setup())
from django.utils import timezone  # noqa: E402  (after django.setup())
from joserfc.jwk import ECKey  # noqa: E402  (after django.setup())

from clients import keymaterial  # noqa: E402  (after django.setup())
from clients.access.session_store import SessionStore  # noqa: E402  (after django.setup())
from clients.actors import Actor  # noqa: E402  (after django.setup())
from clients.acts import catalogue, lifecycle  # noqa: E402  (after django.setup())
from clients.models import User  # noqa: E402  (after django.setup())
from portal.sign_in.contacts import BACKEND  # noqa: E402  (after django.setup())

BY = Actor(system="make ha")
SCOPE = "ha.read"
KEPT = 8  # clients whose tokens nothing takes away but a revocation


def make(now: datetime) -> dict[str, object]:
    """Return what dev/ha/load.py needs to know."""
    api = catalogue.create_api(identifier="ha", name="HA", description={"en": "HA"}, by=BY)
    scope = catalogue.create_scope(name=SCOPE, api=api, description={"en": "HA"}, sensitive=False, by=BY)
    contact = User.objects.create(email="contact@ha.example", name="Contact")

    def client(name: str, **more: Any) -> dict[str, str]:
        rights = {"scopes": [scope], "defaults": [scope], **more}
        made, secret = lifecycle.create(name=name, organisation="", contact=contact, by=BY, now=now, **rights)
        return {"client_id": made.client_id, "client_secret": secret, "uid": str(made.uid)}

    private = ECKey.generate_key("P-256")
    public = {**private.as_dict(private=False), "alg": "ES256", "use": "sig"}
    (key,) = keymaterial.read(json.dumps(public).encode(), now=now)
    return {
        "issuer": settings.PUBLIC_URL,
        "scope": SCOPE,
        "kept": [client(f"Kept {number}") for number in range(KEPT)],
        "invalidated": client("Invalidated"),
        "reader": client("Reader", scopes=[], defaults=[], serves=[api]),
        "signer": {
            **client("Signer", key=key),
            "private_jwk": {**private.as_dict(private=True), "kid": key.kid},
        },
        "session": {"name": settings.SESSION_COOKIE_NAME, "value": _session(), "csrf": settings.CSRF_COOKIE_NAME},
    }


def _session() -> str:
    """Return the key of a session of the Security team, signed in with a second factor a moment ago."""
    user = User.objects.create(email="security@ha.example", name="Security", role=User.Role.SECURITY)
    user.set_unusable_password()
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), BACKEND
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return str(session.session_key)


if __name__ == "__main__":
    print(json.dumps(make(timezone.now())))
