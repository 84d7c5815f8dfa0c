"""Public keys with which GitHub signs reports of leaks: a file in the form of GitHub's published list.

`curl -s https://api.github.com/meta/public_keys/secret_scanning` writes it (docs/operations.md).
"""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MAX_BYTES = 256 * 1024


class UnreadableKeys(ValueError):
    """The file is not there, or has no key of its form."""


def read(path: str) -> dict[str, ec.EllipticCurvePublicKey]:
    """Return the P-256 keys by their identifiers, also those that are not current. Raises UnreadableKeys."""
    try:
        with Path(path).open("rb") as file:
            listed = json.loads(file.read(MAX_BYTES))["public_keys"]
        keys = {each["key_identifier"]: _p256(each["key"]) for each in listed}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableKeys(f"not a list of keys in GitHub's form ({type(error).__name__})") from error
    if not keys:
        raise UnreadableKeys("no key in it")
    return keys


def _p256(pem: str) -> ec.EllipticCurvePublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")
    return key
