"""PROTOCOL line 9: signatures that must not pass for the client's."""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws as joserfc_jws

from tests.tokens.support.checking import ALGORITHMS_OF, AT, KIND_OF, client_key, key, rule, signer
from tests.tokens.support.wire import base64url, public_jwk, sign

OURS = client_key(key("P-256"))
CLAIMS = json.dumps(signer().claims())


@pytest.mark.parametrize("kind", ALGORITHMS_OF)
def test_the_public_key_is_never_the_secret_of_a_mac(kind: str) -> None:
    """Algorithm confusion (CVE-2015-9235): everybody knows the public key."""
    private = key(kind)
    public = private.public_key
    assert not isinstance(public, bytes)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    payload = base64url(CLAIMS.encode())
    for secret in (pem, pem.strip(), der, json.dumps(public_jwk(private)).encode()):
        for bits in (256, 384, 512):
            for label in (f"HS{bits}", ALGORITHMS_OF[kind][0]):
                signing_input = f"{base64url(json.dumps({'alg': label, 'kid': 'k1'}).encode())}.{payload}"
                mac = base64url(hmac.digest(secret, signing_input.encode(), f"sha{bits}"))
                expected = "algorithm" if label.startswith("HS") else "signature"
                assert rule(f"{signing_input}.{mac}", client_key(private)) == expected


def test_the_signature_of_another_key_or_algorithm_is_refused() -> None:
    assert rule(signer(number=2).assertion(), OURS) == "signature"
    header, payload, _ = signer("PS256").assertion().split(".")
    signature = sign({"alg": "RS256"}, b"{}", key("RSA")).rpartition(".")[2]
    assert rule(f"{header}.{payload}.{signature}", client_key(key("RSA"))) == "signature"
    padding = joserfc_jws.JWSRegistry.algorithms["RS256"].sign(f"{header}.{payload}".encode(), key("RSA"))
    assert rule(f"{header}.{payload}.{base64url(padding)}", client_key(key("RSA"))) == "signature"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
def test_signatures_that_no_key_makes_are_refused(algorithm: str) -> None:
    """Zeros were good for every message once (CVE-2022-21449); DER is not the form of RFC 7518 section 3.4."""
    made, ours = signer(algorithm), client_key(key(KIND_OF[algorithm]))
    signing_input, _, encoded = made.assertion().rpartition(".")
    good = base64.urlsafe_b64decode(encoded + "==")
    half = len(good) // 2
    r, s = int.from_bytes(good[:half]), int.from_bytes(good[half:])
    order = {
        "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "ES384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    }.get(algorithm)
    forged = [
        b"",
        b"\0" * len(good),
        b"\xff" * len(good),
        good[:half] + b"\0" * half,
        b"\0" * half + good[half:],
        good[half:] + good[:half],
        good + b"\0",
        b"\0" + good,
        good[:-1],
        encode_dss_signature(r, s),
    ]
    if order:
        forged += [order.to_bytes(half) * 2, order.to_bytes(half) + good[half:]]
    assert rule(f"{signing_input}.{encoded}", ours) == ""
    for signature in forged:
        assert rule(f"{signing_input}.{base64url(signature)}", ours) == "signature", signature


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "EdDSA"])
def test_empty_and_constant_signatures_are_refused(algorithm: str) -> None:
    signing_input = signer(algorithm).assertion().rpartition(".")[0]
    for size in (0, 1, 64, 256, 257, 4096):
        for byte in (b"\0", b"\1", b"\xff"):
            encoded = base64url(byte * size)
            assert rule(f"{signing_input}.{encoded}", client_key(key(KIND_OF[algorithm]))) == "signature"


def test_a_changed_header_or_payload_is_refused() -> None:
    header, payload, signature = signer().assertion().split(".")
    other_header = base64url(json.dumps({"alg": "ES256", "kid": "k1"}).encode())
    other_payload = base64url(json.dumps(signer().claims(exp=AT + 3000)).encode())
    assert rule(f"{other_header}.{payload}.{signature}", OURS) == "signature"
    assert rule(f"{header}.{other_payload}.{signature}", OURS) == "signature"
