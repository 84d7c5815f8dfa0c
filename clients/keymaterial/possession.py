"""Possession of a private key: it makes a signature that its public half verifies.

The public half that stands beside a private one, in a JWK or in DER, proves nothing: anybody can write it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import import_key

from clients.keymaterial.arithmetic.rsa import MAX_BITS

_MESSAGE = b"possession"


def signs(private: Any) -> bool:
    """Return whether the private key fits its public half. A larger key than Keydesk accepts is not tried."""
    try:
        if isinstance(private, rsa.RSAPrivateKey):
            scheme = padding.PKCS1v15()
            fits = private.key_size <= MAX_BITS
            return fits and _is_valid(private.public_key(), private.sign(_MESSAGE, scheme, SHA256()), scheme, SHA256())
        if isinstance(private, ec.EllipticCurvePrivateKey):
            scheme_of_ec = ec.ECDSA(SHA256())
            return _is_valid(private.public_key(), private.sign(_MESSAGE, scheme_of_ec), scheme_of_ec)
        if isinstance(private, ed25519.Ed25519PrivateKey):
            return _is_valid(private.public_key(), private.sign(_MESSAGE))
    except Exception:  # the library documents no closed list of errors for hostile numbers
        return False
    return False


def _is_valid(public: Any, signature: bytes, *scheme: object) -> bool:
    try:
        public.verify(signature, _MESSAGE, *scheme)
    except InvalidSignature:
        return False
    return True


def jwk_signs(jwk: Mapping[str, Any]) -> bool:
    """Return whether the private members of a JWK fit its public ones."""
    try:
        return signs(import_key(dict(jwk)).private_key)
    except Exception:  # as in signs()
        return False
