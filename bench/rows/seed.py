"""Makes Keydesk's clients for the benchmark, and prints them as JSON with private keys: `python -m bench.rows.seed`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402  (after django.setup())
from django.utils import timezone  # noqa: E402  (after django.setup())
from joserfc.jwk import ECKey, RSAKey  # noqa: E402  (after django.setup())

from clients import keymaterial  # noqa: E402  (after django.setup())
from clients.actors import Actor  # noqa: E402  (after django.setup())
from clients.acts import catalogue, lifecycle  # noqa: E402  (after django.setup())
from clients.acts.federation import issuers  # noqa: E402  (after django.setup())
from clients.models import Client, Trust, User  # noqa: E402  (after django.setup())

BENCH = Actor(system="bench")
SCOPE = "bench.read"
FEDERATED = "https://issuer.bench.example"  # `iss` of the tokens of another issuer


def make(now: datetime) -> dict[str, object]:
    api = catalogue.create_api(identifier="bench", name="Bench", description={"en": "Bench"}, by=BENCH)
    scope = catalogue.create_scope(name=SCOPE, api=api, description={"en": "Bench"}, sensitive=False, by=BENCH)
    contact = User.objects.create(email="bench@keydesk.example", name="Bench")

    def client(name: str, **more: Any) -> dict[str, object]:
        rights = {"scopes": [scope], "defaults": [scope], **more}
        made, secret = lifecycle.create(name=name, organisation="", contact=contact, by=BENCH, now=now, **rights)
        return {"client_id": made.client_id, "client_secret": secret}

    clients = {
        "basic": client("Bench basic"),
        "hashed": client("Bench hashed"),  # as basic; for the peer that can hash secrets
        "reader": client("Bench reader", scopes=[], defaults=[], serves=[api]),
    }
    for algorithm, private in (("ES256", ECKey.generate_key("P-256")), ("RS256", RSAKey.generate_key(2048))):
        public = {**private.as_dict(private=False), "alg": algorithm, "use": "sig"}
        (key,) = keymaterial.read(json.dumps(public).encode(), now=now)
        client_id = client(f"Bench {algorithm}", key=key)["client_id"]
        clients[algorithm] = {
            "client_id": client_id,
            "alg": algorithm,
            "jwk": {**public, "kid": key.kid},
            "private_jwk": {**private.as_dict(private=True), "kid": key.kid},
        }
    clients["federated"] = _federated(client("Bench federated")["client_id"], now)
    return {"issuer": settings.PUBLIC_URL, "scope": SCOPE, "clients": clients}


def _federated(client_id: object, now: datetime) -> dict[str, object]:
    """A client that trusts an issuer, with the issuer's key: it signs as private_key_jwt with ES256 does."""
    private = ECKey.generate_key("P-256", {"kid": "bench", "use": "sig", "alg": "ES256"})
    issuer = issuers.create(
        name="Bench", url=FEDERATED, jwks={"keys": [private.as_dict(private=False)]}, audience="", max_lifetime=3600,
        by=BENCH, now=now,
    )  # fmt: skip
    client = Client.objects.get(client_id=client_id)
    Trust.objects.create(client=client, issuer=issuer, subject="bench", added_at=now, added_by="bench")
    return {"client_id": client_id, "issuer": FEDERATED, "private_jwk": private.as_dict(private=True)}


if __name__ == "__main__":
    print(json.dumps(make(timezone.now())))
