"""What a client secret looks like: a prefix to recognise it by, 256 random bits, a checksum.

The alphabet is [A-Za-z0-9_-], so that a client which forgets to form-encode its Basic credentials works too
(PROTOCOL A-6). Secret scanners know a leaked one by the prefix and tell it from look-alikes by the checksum.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

PREFIX = "kds_"
LENGTH = len(PREFIX) + 43 + 6  # characters
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TWO_DIGITS = [high + low for high in _DIGITS for low in _DIGITS]
# Our secrets and tokens, and signed assertions, wherever somebody put them by mistake: no log or journal keeps them.
# Strangers choose the text, so both patterns are linear in its length: possessive, and a word that begins like an
# assertion and is none is taken as a whole, instead of once more for each "eyJ" within it.
SECRET_PATTERN = re.compile(r"kd[a-z]_[\w-]{20,}+")
JWT_PATTERN = re.compile(r"eyJ(?:[\w-]{8,}+\.[\w-]++\.[\w-]++|[\w-]*+)")


def generate() -> str:
    body = PREFIX + secrets.token_urlsafe(32)
    return body + checksum(body)


def checksum(body: str) -> str:
    """CRC-32 as six characters: not a protection, only a way to tell a typing error from a wrong secret."""
    number, low = divmod(zlib.crc32(body.encode()), 62 * 62)
    high, middle = divmod(number, 62 * 62)
    return _TWO_DIGITS[high] + _TWO_DIGITS[middle] + _TWO_DIGITS[low]


def is_well_formed(text: str) -> bool:
    return text.startswith(PREFIX) and len(text) == LENGTH and text[-6:] == checksum(text[:-6])


def without_secrets(text: str) -> str:
    """Return the text with *** for each secret, token and signed JWT_PATTERN in it."""
    return JWT_PATTERN.sub(lambda found: "***" if "." in found[0] else found[0], SECRET_PATTERN.sub("***", text))


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
