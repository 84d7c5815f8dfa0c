"""Strict base64url, strict JSON, and escaping of texts from uploads."""

import base64
import json
import re
from typing import NoReturn

from cryptography import x509

from clients.keymaterial.errors import KeyRefused
from foundation.invisible_characters import is_visible

MAX_JSON_BYTES = 16 * 1024
MAX_JSON_DEPTH = 8
_MAX_BRACKETS = 1000
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def base64url_encode(data: bytes) -> str:
    """Encode as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64url_decode(text: str) -> bytes:
    """Decode strict base64url: no padding, white space or spare bits (RFC 4648 section 3.5). Raises ValueError."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not the base64url alphabet")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url_encode(data) != text:
        raise ValueError("not canonical")
    return data


def parse_json(data: bytes, *, limit: int = MAX_JSON_BYTES) -> object:
    """Parse a JSON text (RFC 8259) within the limits of PROTOCOL K-26. Raises KeyRefused."""
    if len(data) > limit:
        raise KeyRefused("too_large", limit=limit)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise KeyRefused("not_utf8", offset=error.start) from None
    # Python's parser recurses in C, so deep nesting is refused by counting brackets first.
    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        raise KeyRefused("too_deep", limit=MAX_JSON_DEPTH)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_refuse_number)
    except json.JSONDecodeError as error:
        raise KeyRefused("not_json", line=error.lineno, column=error.colno) from None
    _refuse_depth(value, MAX_JSON_DEPTH)
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise KeyRefused("duplicate_member", member=shown(name))
        members[name] = value
    return members


def _integer(digits: str) -> int:
    if len(digits) > 20:
        _refuse_number(digits)
    return int(digits)


def _refuse_number(number: str) -> NoReturn:
    raise KeyRefused("bad_number", number=shown(number))


def _refuse_depth(value: object, levels: int) -> None:
    if not isinstance(value, dict | list):
        return
    if levels == 0:
        raise KeyRefused("too_deep", limit=MAX_JSON_DEPTH)
    for inner in value.values() if isinstance(value, dict) else value:
        _refuse_depth(inner, levels - 1)


def shown(value: object, limit: int = 40) -> str:
    """Return `value` for display, cut to `limit` characters.

    Invisible characters become escapes: controls, bidi and other format characters, lone surrogates, odd spaces, and
    letters without a glyph.
    """
    text = value if isinstance(value, str) else json.dumps(value)
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(character if is_visible(character) else _escaped(ord(character)) for character in cut)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shown_name(name: x509.Name) -> str:
    """Return a subject or issuer in the form of RFC 4514, escaped."""
    return shown(name.rfc4514_string(), limit=500)
