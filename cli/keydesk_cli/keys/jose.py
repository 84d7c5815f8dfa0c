"""JSON Web Keys and signatures of a private key (RFC 7515, 7517, 7518, 7638, 8037, 9864)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
ED25519 = ("Ed25519", "EdDSA")
RSA_BITS = 3072


@dataclass(frozen=True)
class Curve:
    """NIST curve: `size` in bytes of a coordinate."""

    crv: str
    size: int
    algorithm: str
    group: ec.EllipticCurve


CURVES = {
    "secp256r1": Curve("P-256", 32, "ES256", ec.SECP256R1()),
    "secp384r1": Curve("P-384", 48, "ES384", ec.SECP384R1()),
    "secp521r1": Curve("P-521", 66, "ES512", ec.SECP521R1()),
}
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ALGORITHMS = (*RSA_ALGORITHMS, *(curve.algorithm for curve in CURVES.values()), *ED25519)


def b64(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def algorithms_of(key: PrivateKey | PublicKey) -> tuple[str, ...]:
    """Return the algorithms of the key, the usual one first; none for a curve that Keydesk does not take."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return RSA_ALGORITHMS
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        curve = CURVES.get(key.curve.name)
        return (curve.algorithm,) if curve else ()
    return ED25519


def generate(algorithm: str) -> PrivateKey:
    """Make a private key for the algorithm, RSA with 3072 bits."""
    if algorithm in RSA_ALGORITHMS:
        return rsa.generate_private_key(65537, RSA_BITS)
    if algorithm in ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    (curve,) = (curve for curve in CURVES.values() if curve.algorithm == algorithm)
    return ec.generate_private_key(curve.group)


def public_jwk(key: PublicKey) -> dict[str, str]:
    """Return the required members of the key, in the order of RFC 7638 section 3.2."""
    if isinstance(key, rsa.RSAPublicKey):
        rsa_numbers = key.public_numbers()
        return {"e": _unsigned(rsa_numbers.e), "kty": "RSA", "n": _unsigned(rsa_numbers.n)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        ec_numbers, curve = key.public_numbers(), CURVES[key.curve.name]
        x, y = (b64(number.to_bytes(curve.size, "big")) for number in (ec_numbers.x, ec_numbers.y))
        return {"crv": curve.crv, "kty": "EC", "x": x, "y": y}
    return {"crv": "Ed25519", "kty": "OKP", "x": b64(key.public_bytes_raw())}


def thumbprint(key: PublicKey) -> str:
    """Return the thumbprint, by which Keydesk knows each key, whatever else its `kid` is."""
    return b64(hashlib.sha256(json.dumps(public_jwk(key), separators=(",", ":")).encode()).digest())


def sign(key: PrivateKey, header: Mapping[str, str], claims: Mapping[str, Any]) -> str:
    """Return a compact JWS; `header["alg"]` fits the key."""
    head, body = (b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    signed = f"{head}.{body}".encode()
    return f"{head}.{body}.{b64(_signature(key, header['alg'], signed))}"


def _signature(key: PrivateKey, algorithm: str, data: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    digest = HASHES[algorithm[2:]]
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return key.sign(data, pss if algorithm.startswith("PS") else padding.PKCS1v15(), digest)
    size = CURVES[key.curve.name].size
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _unsigned(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))
