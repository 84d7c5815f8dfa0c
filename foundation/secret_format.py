"""Format of client secrets: a prefix to recognise them by, 256 random bits, a checksum.

The alphabet is [A-Za-z0-9_-], so that clients which forget to form-encode their Basic credentials work too
(PROTOCOL A-6). Secret scanners find a leaked secret by the prefix and tell it from look-alikes by the checksum.
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
# Secrets, tokens and signed assertions in texts where they do not belong; they are removed before a text is kept. The
# text may be hostile, so both patterns take linear time: they are possessive, and a word that begins like an assertion
# but is none is consumed as a whole, instead of once more for each "eyJ" in it.
SECRET_PATTERN = re.compile(r"kd[a-z]_[\w-]{20,}+")
JWT_PATTERN = re.compile(r"eyJ(?:[\w-]{8,}+\.[\w-]++\.[\w-]++|[\w-]*+)")


def generate() -> str:
    """Return a new client secret."""
    body = PREFIX + secrets.token_urlsafe(32)
    return body + checksum(body)


def checksum(body: str) -> str:
    """Return the CRC-32 as six characters: no protection, only a way to tell a typing error from a wrong secret."""
    number, low = divmod(zlib.crc32(body.encode()), 62 * 62)
    high, middle = divmod(number, 62 * 62)
    return _TWO_DIGITS[high] + _TWO_DIGITS[middle] + _TWO_DIGITS[low]


def is_well_formed(text: str) -> bool:
    """Return whether prefix, length and checksum are those of a client secret."""
    return text.startswith(PREFIX) and len(text) == LENGTH and text[-6:] == checksum(text[:-6])


def without_secrets(text: str) -> str:
    """Return the text with *** for each secret, token and signed JWT in it."""
    return JWT_PATTERN.sub(lambda found: "***" if "." in found[0] else found[0], SECRET_PATTERN.sub("***", text))


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
