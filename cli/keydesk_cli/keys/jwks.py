"""Public JSON Web Keys: strict JSON, strict base64url, and their members (RFC 7517, RFC 7518 section 6, RFC 8037)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keydesk_cli.errors import Refused
from keydesk_cli.keys import jose

MAX_JSON_BYTES = 16 * 1024
MAX_KEYS = 10
MAX_KID_LENGTH = 255
REQUIRED = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
GROUPS = {curve.crv: curve for curve in jose.CURVES.values()}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def parse(data: bytes) -> list[Mapping[str, Any]]:
    """Return the keys of a JSON Web Key or a set of up to 10. Raises Refused."""
    if len(data) > MAX_JSON_BYTES:
        raise Refused("too_large", f"A JSON Web Key has at most {MAX_JSON_BYTES} bytes.")
    try:
        parsed = json.loads(data.decode(), object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise Refused("not_utf8", "The text is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise Refused("not_json", "The text is not valid JSON.") from None
    if not isinstance(parsed, dict):
        raise Refused("not_an_object", "A JSON Web Key is one JSON object.")
    found = parsed.get("keys", [parsed])
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_KEYS:
        raise Refused("wrong_key_count", f"A set holds 1 to {MAX_KEYS} keys.")
    if not all(isinstance(jwk, dict) for jwk in found):
        raise Refused("not_an_object", "A JSON Web Key is one JSON object.")
    named = [str(jwk["kid"]) for jwk in found if "kid" in jwk]
    if len(set(named)) != len(named):
        raise Refused("duplicate_kid", "Two keys of the set have the same kid.")
    return found


def key_of(jwk: Mapping[str, Any]) -> object:
    """Return the public key. Raises Refused."""
    _refuse_secrets(jwk)
    _check_use(jwk)
    kty = jwk.get("kty")
    if kty is None:
        raise Refused("missing_member", "The JSON Web Key has no kty.")
    if not isinstance(kty, str) or kty not in REQUIRED:
        raise Refused("unsupported_kty", "The kty of a JSON Web Key is RSA, EC or OKP.")
    if missing := [name for name in REQUIRED[kty] if name not in jwk]:
        raise Refused("missing_member", f"The JSON Web Key has no {missing[0]}.")
    if wrong := [name for name in REQUIRED[kty] if not isinstance(jwk[name], str)]:
        raise Refused("not_a_string", f"The member {wrong[0]} is no text.")
    try:
        return _OF_TYPE[kty](jwk)
    except (ValueError, OverflowError, UnsupportedAlgorithm):
        crv = jwk.get("crv")
        raise Refused("point_not_on_curve" if crv else "rsa_bad_exponent", "The numbers are of no such key.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused("duplicate_member", "The JSON has a member twice.")
    return members


def _refuse_secrets(jwk: Mapping[str, Any]) -> None:
    if not jwk.keys().isdisjoint({"d", "p", "q", "dp", "dq", "qi", "oth", "priv"}):
        raise Refused("private_key_material", "The JSON Web Key holds its private half. Give Keydesk the public half.")
    if "k" in jwk:
        raise Refused("symmetric_key", "The JSON Web Key is a shared, symmetric key. Keydesk takes public keys.")


def _check_use(jwk: Mapping[str, Any]) -> None:
    if jwk.get("use", "sig") != "sig":
        raise Refused("wrong_use", "The use of the key must be sig.")
    operations = jwk.get("key_ops", ["verify"])
    texts = isinstance(operations, list) and all(isinstance(each, str) for each in operations)
    if not texts or len(set(operations)) != len(operations):
        raise Refused("malformed_key_ops", "key_ops is a list of texts, each once.")
    if "verify" not in operations:
        raise Refused("wrong_key_ops", "key_ops lacks verify.")
    kid = jwk.get("kid", "x")
    if not isinstance(kid, str) or not 1 <= len(kid) <= MAX_KID_LENGTH or not kid.isprintable():
        raise Refused("malformed_kid", f"kid is a text of 1 to {MAX_KID_LENGTH} characters.")


def _rsa(jwk: Mapping[str, Any]) -> object:
    n, e = _bytes(jwk, "n"), _bytes(jwk, "e")
    for name, data in (("n", n), ("e", e)):
        if not data or data[0] == 0:
            raise Refused("leading_zero", f"The member {name} begins with a zero byte.")
    return rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()


def _ec(jwk: Mapping[str, Any]) -> object:
    curve = GROUPS.get(jwk["crv"])
    if curve is None:
        raise Refused("unsupported_curve", "Keydesk takes P-256, P-384 and P-521.")
    x, y = (int.from_bytes(_sized(jwk, name, curve.size), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, curve.group).public_key()


def _okp(jwk: Mapping[str, Any]) -> object:
    if jwk["crv"] in ("X25519", "X448"):
        raise Refused("key_agreement_key", "This key is for key agreement. Ed25519 is for signatures.")
    if jwk["crv"] != "Ed25519":
        raise Refused("unsupported_curve", "Keydesk takes Ed25519.")
    return ed25519.Ed25519PublicKey.from_public_bytes(_sized(jwk, "x", 32))


_OF_TYPE = {"RSA": _rsa, "EC": _ec, "OKP": _okp}


def _sized(jwk: Mapping[str, Any], name: str, size: int) -> bytes:
    data = _bytes(jwk, name)
    if len(data) != size:
        raise Refused("wrong_length", f"The member {name} must hold {size} bytes.")
    return data


def _bytes(jwk: Mapping[str, Any], name: str) -> bytes:
    """Return a member in strict base64url: no padding, white space or spare bits."""
    text = jwk[name]
    if _BASE64URL.fullmatch(text):
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            data = b""
        if jose.b64(data) == text:
            return data
    raise Refused("not_base64url", f"The member {name} is not base64url without padding.")
