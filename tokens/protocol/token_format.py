"""What an access token looks like: a prefix to recognise it by, 256 random bits, a checksum (PROTOCOL T-18).

Secret scanners know a leaked one by its prefix and tell it from look-alikes by the checksum; what is malformed is never
looked up.
"""

from __future__ import annotations

import hashlib
import secrets

from foundation.secret_format import checksum

PREFIX = "kdt_"
LENGTH = len(PREFIX) + 43 + 6


def generate() -> str:
    body = PREFIX + secrets.token_urlsafe(32)
    return body + checksum(body)


def is_well_formed(text: str) -> bool:
    return len(text) == LENGTH and text.startswith(PREFIX) and text.isascii() and text[-6:] == checksum(text[:-6])


def digest(text: str) -> bytes:
    """SHA-256: the token is random, so there is nothing to guess and no reason to be slow."""
    return hashlib.sha256(text.encode()).digest()
