"""Values for the samples: the reader's own client, or recognisable placeholders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from clients import keymaterial
from clients.models import Client, Key, Scope

PLACEHOLDER_ID = "YOUR_CLIENT_ID"
PLACEHOLDER_SECRET = "YOUR_CLIENT_SECRET"  # noqa: S105  (no secret)
PLACEHOLDER_KID = "YOUR_KEY_ID"
PLACEHOLDER_SCOPE = "YOUR_SCOPE"
WEEK_S = 7 * 86400


@dataclass(frozen=True)
class Algorithm:
    """The names of a JWS algorithm (RFC 7518 section 3.1, RFC 9864) in the libraries of the samples.

    `size`: bytes of each of the two numbers of an ECDSA signature.
    """

    family: str  # rsa, ec, ed
    java_signature: str
    java_key: str
    hash: str = ""
    size: int = 0

    def words(self) -> dict[str, object]:
        return {
            "family": self.family,
            "hash": self.hash,
            "size": self.size,
            "digits": 2 * self.size,
            "dotnet_hash": self.hash.upper(),
            "go_hash_package": "sha256" if self.hash == "sha256" else "sha512",
            "go_sum": {"sha256": "sha256.Sum256", "sha384": "sha512.Sum384", "sha512": "sha512.Sum512"}.get(self.hash),
        }


# In order of preference for a key that supports several.
ALGORITHMS = {
    "RS256": Algorithm("rsa", "SHA256withRSA", "RSA", "sha256"),
    "ES256": Algorithm("ec", "SHA256withECDSAinP1363Format", "EC", "sha256", 32),
    "ES384": Algorithm("ec", "SHA384withECDSAinP1363Format", "EC", "sha384", 48),
    "ES512": Algorithm("ec", "SHA512withECDSAinP1363Format", "EC", "sha512", 66),
    "Ed25519": Algorithm("ed", "Ed25519", "Ed25519"),
}


@dataclass(frozen=True)
class Values:
    client_id: str = PLACEHOLDER_ID
    kid: str = PLACEHOLDER_KID
    algorithm: str = "RS256"
    scope: str = PLACEHOLDER_SCOPE  # several are separated by spaces
    served_scope: str = PLACEHOLDER_SCOPE  # a scope of an API that this client serves
    kids: Mapping[str, str] = field(default_factory=dict)  # of the client's keys, by algorithm
    method: str = "client_secret_basic"  # by which the samples authenticate
    lifetime: int = field(default_factory=lambda: int(settings.TOKEN_LIFETIME.total_seconds()))  # of its tokens

    @property
    def has_key(self) -> bool:
        return self.kid != PLACEHOLDER_KID

    @property
    def signs(self) -> bool:
        return self.method == "private_key_jwt"

    def texts(self) -> dict[str, str]:
        """Every value by its name in the samples."""
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid}
        return {
            "client_id": self.client_id,
            "kid": self.kid,
            "algorithm": self.algorithm,
            "scope": self.scope,
            "served_scope": self.served_scope,
            "header": json.dumps(header, ensure_ascii=False, separators=(",", ":")),
            "issuer": settings.PUBLIC_URL,
            "token_url": oauth_url("token"),
            "introspection_url": oauth_url("introspect"),
            "revocation_url": oauth_url("revoke"),
            "verify_url": oauth_url("verify"),
            "api_url": oauth_url("example"),
            "self_url": f"{settings.PUBLIC_URL}{settings.API_PATH}self",
            "self_secret_url": f"{settings.PUBLIC_URL}{settings.API_PATH}self/secret",
            "keys_path": f"{settings.API_PATH}self/keys",
            "key_end_path": f"{settings.API_PATH}self/keys/{{id}}?overlap={WEEK_S}",
            "lifetime": str(self.lifetime),
            **_missing(),
        }


def _missing() -> dict[str, str]:
    """Return what a sample says, in one line, when it lacks a value: its name, and where to find it."""
    clients = settings.PUBLIC_URL + reverse("contact:clients")
    return {
        "secret_missing": f"KEYDESK_CLIENT_SECRET is not set: copy the secret from the page of your client, {clients}",
        "key_missing": "There is no private key: save it here as private.pem, or name its file in KEYDESK_PRIVATE_KEY",
        "token_missing": "KEYDESK_TOKEN is not set: it is the access_token in the answer of the token endpoint",
    }


def oauth_url(endpoint: str) -> str:
    return f"{settings.PUBLIC_URL}{settings.OAUTH_PATH}{endpoint}"


def of_client(client: Client, now: datetime) -> Values:
    """Return the client's own values, with placeholders for missing ones."""
    scopes = Scope.objects.usable().filter(clients=client)
    served = Scope.objects.usable().filter(api__served_by=client).first()
    values = Values(
        client_id=client.client_id,
        scope=" ".join(scope.name for scope in scopes) or PLACEHOLDER_SCOPE,
        served_scope=served.name if served else PLACEHOLDER_SCOPE,
    )
    if client.token_lifetime:
        values = replace(values, lifetime=client.token_lifetime)
    kids: dict[str, str] = {}
    for key in client.keys.usable(now).order_by("-added_at"):
        if algorithm := algorithm_of(key):
            kids.setdefault(algorithm, key.kid)
    values = replace(values, kids=kids)
    return with_algorithm(values, next(iter(kids))) if kids else values


def with_algorithm(values: Values, algorithm: str) -> Values:
    """Return the values for this kind of key: the key id of the client's newest one, or a placeholder."""
    return replace(values, algorithm=algorithm, kid=values.kids.get(algorithm, PLACEHOLDER_KID))


def algorithm_of(key: Key) -> str:
    """Return the first of our samples' algorithms that the key supports; "" for other keys, such as PS256 only."""
    names = keymaterial.algorithm_names(key.algorithms)
    return next((name for name in ALGORITHMS if name in names), "")
