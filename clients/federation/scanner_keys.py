"""Public keys with which GitHub signs reports of leaks, in the form of GitHub's published list (API M-15)."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MAX_BYTES = 64 * 1024  # as of a fetch (fetch.py)

type ScannerKeys = dict[str, ec.EllipticCurvePublicKey]


class UnreadableKeys(ValueError):
    """There is no list, or it has no key of its form."""


def is_address(source: str) -> bool:
    """Return whether the keys are fetched by the worker, rather than read from a file."""
    return source.startswith("https://")


def parse(text: bytes | str) -> ScannerKeys:
    """Return the P-256 keys by their identifiers, also those that are not current. Raises UnreadableKeys."""
    try:
        listed = json.loads(text)["public_keys"]
        keys = {str(each["key_identifier"]): _p256(each["key"]) for each in listed}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableKeys(f"not a list of keys in GitHub's form ({type(error).__name__})") from error
    if not keys:
        raise UnreadableKeys("no key in it")
    return keys


def read(path: str) -> ScannerKeys:
    """Return the keys of a file. Raises UnreadableKeys."""
    try:
        with Path(path).open("rb") as file:
            return parse(file.read(MAX_BYTES))
    except OSError as error:
        raise UnreadableKeys(f"the file cannot be read ({type(error).__name__})") from error


def _p256(pem: str) -> ec.EllipticCurvePublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")
    return key
