"""Proof of possession: the uploader of a public key has the private half, as a signature of our text shows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import import_key

MAX_SIGNATURE_LENGTH = 4096  # characters in base64: RSA 8192 needs 1368


def is_signed_by(jwk: Mapping[str, object], message: bytes, signature: str) -> bool:
    """Return whether `signature` (base64 or base64url, blanks ignored) is by the private half of this public JWK.

    Accepts what `openssl dgst -sha256 -sign` and `openssl pkeyutl -sign -rawin` make (RSA PKCS#1 v1.5 or ECDSA in DER,
    both over SHA-256; Ed25519) and the plain r||s of a browser's WebCrypto.
    """
    try:
        raw = _decoded(signature)
        _verify(jwk, raw, message)
    except (ValueError, InvalidSignature):
        return False
    return True


def _verify(jwk: Mapping[str, object], signature: bytes, message: bytes) -> None:
    """Verify a signature. Raises InvalidSignature or ValueError."""
    members: dict[str, str | list[str]] = {
        name: str(jwk[name]) for name in ("kty", "n", "e", "crv", "x", "y") if name in jwk
    }
    key = import_key(members).get_op_key("verify")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, message, padding.PKCS1v15(), SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(_der(signature, key), message, ec.ECDSA(SHA256()))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    else:
        raise ValueError("a kind of key that signs nothing here")


def _der(signature: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    half = (key.key_size + 7) // 8
    if len(signature) != 2 * half:
        return signature
    return utils.encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))


def _decoded(text: str) -> bytes:
    """Decode base64 or base64url. Raises ValueError."""
    compact = "".join(text.split())
    if not compact or len(compact) > MAX_SIGNATURE_LENGTH:
        raise ValueError("not a signature")
    standard = compact.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
