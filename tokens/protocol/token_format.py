"""Format of access tokens: a prefix to recognise them by, 256 random bits, a checksum (PROTOCOL T-18).

Secret scanners find a leaked token by its prefix and tell it from look-alikes by the checksum; malformed tokens are
never looked up.
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
    """Return the SHA-256: the token is random, so there is nothing to guess and no need for a slow hash."""
    return hashlib.sha256(text.encode()).digest()
