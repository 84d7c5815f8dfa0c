"""Proofs of possession, as a pipeline makes them."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import import_key

from tests.support.keys import PrivateKey, jwk_of

ISSUER = "http://testserver"


def proof(private: PrivateKey, client_id: str, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a proof by this key; header and claims can be changed, None leaves a claim out."""
    said = {"aud": ISSUER, "sub": client_id, "iat": int(time.time()), "jti": uuid.uuid4().hex} | claims
    algorithm = "ES256" if jwk_of(private)["kty"] == "EC" else "RS256"
    head = {"typ": "keydesk-proof+jwt", "alg": algorithm} | (header or {})
    body = {name: value for name, value in said.items() if value is not None}
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return jws.serialize_compact(head, _json(body), import_key(pem, "EC" if algorithm == "ES256" else "RSA"))


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
