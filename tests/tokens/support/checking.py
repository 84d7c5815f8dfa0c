"""Assertions read and checked without a server and a database: the pure part of PROTOCOL A-8 to A-15."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from clients import keymaterial
from tests.support.factories import NOW
from tests.tokens.support.wire import Clock, Signer, base64url, public_jwk
from tokens.policy import from_settings
from tokens.protocol import assertion, jws
from tokens.protocol.assertion import AssertionPolicy, Verified
from tokens.protocol.client_key import ClientKey
from tokens.protocol.errors import MAX_FACT_LENGTH, InvalidClient, Refused

CLIENT = "meterstanden"
AT = NOW.timestamp()
ALGORITHMS_OF = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("Ed25519", "EdDSA"),
}
KIND_OF = {algorithm: kind for kind, algorithms in ALGORITHMS_OF.items() for algorithm in algorithms}


def key(kind: str, number: int = 1) -> Key:
    """A private key; `number` tells several of a kind apart. An RSA key is slow to make, so each is made once."""
    return _made(kind, number)


@cache
def _made(kind: str, number: int) -> Key:
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    return OKPKey.generate_key("Ed25519") if kind == "Ed25519" else ECKey.generate_key(kind)


def client_key(private: Key, *, kid: str = "k1", **changes: Any) -> ClientKey:
    """The public half as it is after an upload, in use unless `changes` says otherwise."""
    (read,) = keymaterial.read(json.dumps(public_jwk(private, kid=kid)).encode(), now=NOW)
    return from_upload(read, **changes)


def from_upload(read: keymaterial.PublicKey, **changes: Any) -> ClientKey:
    uploaded = ClientKey(
        credential="key:1",
        kid=read.kid,
        names=keymaterial.kid_spellings(read.jwk),
        algorithms=frozenset(read.algorithms),
        jwk=read.jwk,
        not_after=read.certificate.not_after.timestamp() if read.certificate else float("inf"),
    )
    return replace(uploaded, **changes)


def signer(algorithm: str = "ES256", *, kid: str | None = "k1", number: int = 1, at: float = AT) -> Signer:
    return Signer(CLIENT, key(KIND_OF[algorithm], number), Clock(at), algorithm, kid)


def policy(*, strict: bool = False) -> AssertionPolicy:
    return from_settings().assertion_policy(issuer_audience_only=strict)


def check(encoded: str, *keys: ClientKey, under: AssertionPolicy | None = None, at: float = AT) -> Verified:
    """As authentication does it. Raises InvalidClient."""
    return assertion.verify(jws.read(encoded), client_id=CLIENT, keys=keys, policy=under or policy(), now=at)


def refusal(
    encoded: str, *keys: ClientKey, under: AssertionPolicy | None = None, at: float = AT
) -> InvalidClient | None:
    try:
        check(encoded, *keys, under=under, at=at)
    except InvalidClient as reason:
        return reason
    return None


def rule(encoded: str, *keys: ClientKey, under: AssertionPolicy | None = None, at: float = AT) -> str:
    """The name of the rule that refuses the assertion, "" when it is accepted."""
    reason = refusal(encoded, *keys, under=under, at=at)
    return reason.rule.value if reason else ""


def unsigned(header: str | bytes, payload: str | bytes, signature: bytes = b"") -> str:
    """A compact JWS of any parts at all."""
    parts = (part.encode() if isinstance(part, str) else part for part in (header, payload, signature))
    return ".".join(base64url(part) for part in parts)


def refusal_of[T: Refused](expected: type[T], act: Callable[[], object]) -> T | None:
    """The refusal, if it is one of that kind; whatever else is raised fails the test."""
    try:
        act()
    except expected as refusal:
        for fact in refusal.facts.values():
            for part in fact if isinstance(fact, list) else [fact]:
                assert part is None or isinstance(part, str | int | float)
                assert str(part).isprintable()
                assert len(str(part)) <= MAX_FACT_LENGTH * 6  # each character may have become an escape
        json.dumps(refusal.facts, allow_nan=False)
        return refusal
    return None
