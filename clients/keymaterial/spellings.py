"""Spellings in which people pass on what identifies a certificate, and the forms in which Keydesk stores it."""

from __future__ import annotations

import re

from clients.keymaterial.encoding import base64url_encode

_SEPARATORS = re.compile(r"[:\s]")
_HEX = re.compile(r"[0-9a-f]{1,64}")
_MAX_DECIMAL = 49  # digits of 160 bits


def thumbprints(text: str) -> list[str]:
    """Return the base64url spellings of a SHA-1 or SHA-256 thumbprint: the text itself, and that of its hex."""
    digits = _SEPARATORS.sub("", text).lower()
    is_digest = _HEX.fullmatch(digits) and len(digits) in (40, 64)
    return [text, base64url_encode(bytes.fromhex(digits))] if is_digest else [text]


def serials(text: str) -> list[str]:
    """Return the serial numbers, in hex without leading zeros, that a text in hex or decimal digits may stand for."""
    digits = _SEPARATORS.sub("", text).lower().removeprefix("0x")
    spellings = [digits.lstrip("0")] if _HEX.fullmatch(digits) else []
    if digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DECIMAL:
        spellings.append(f"{int(digits):x}")
    return [spelling for spelling in spellings if spelling not in ("", "0")]
