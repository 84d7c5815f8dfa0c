"""JWK sets that others publish at an address: usable keys, and the others with the reason (PROTOCOL F-35)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from clients.keymaterial.encoding import parse_json, shown
from clients.keymaterial.errors import KeyRefused
from clients.keymaterial.formats import refuse_secrets
from clients.keymaterial.jwk import MAX_KID_LENGTH, PublicKey, read_jwk

MAX_PUBLISHED_BYTES = 64 * 1024
MAX_PUBLISHED_KEYS = 20
SPIFFE_USE = "jwt-svid"  # JWT-SVID section 4: a key that signs
# The certificate beside a key proves nothing here, and publishers leave expired ones there.
_CERTIFICATE_MEMBERS = ("x5c", "x5t", "x5t#S256", "x5u")


@dataclass(frozen=True)
class Published:
    """A usable key. `kid` is as it was published, "" if it was published without."""

    kid: str
    key: PublicKey


@dataclass(frozen=True)
class Skipped:
    """A key that cannot be used: its `kid` for showing, and the refusal."""

    kid: str
    code: str
    facts: Mapping[str, object]


def read_published(data: bytes, *, now: datetime) -> tuple[tuple[Published, ...], tuple[Skipped, ...]]:
    """Return the usable and the skipped keys of a published set.

    Raises KeyRefused for a set that is no set, is too large, or holds anything private.
    """
    refuse_secrets(data)
    value = parse_json(data, limit=MAX_PUBLISHED_BYTES)
    entries = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise KeyRefused("not_an_object")
    if len(entries) > MAX_PUBLISHED_KEYS:
        raise KeyRefused("wrong_key_count", count=len(entries), limit=MAX_PUBLISHED_KEYS)
    found: list[Published] = []
    skipped: list[Skipped] = []
    for entry in entries:
        try:
            found.append(_read(entry, found, now))
        except KeyRefused as refusal:
            if refusal.compromised:
                raise
            kid = entry.get("kid", "") if isinstance(entry, dict) else ""
            skipped.append(Skipped(shown(kid, MAX_KID_LENGTH), refusal.code, refusal.facts))
    return tuple(found), tuple(skipped)


def _read(entry: object, before: Sequence[Published], now: datetime) -> Published:
    if not isinstance(entry, dict):
        raise KeyRefused("not_an_object")
    jwk = {name: value for name, value in entry.items() if name not in _CERTIFICATE_MEMBERS}
    if jwk.get("use") == SPIFFE_USE:
        jwk["use"] = "sig"
    key = read_jwk(jwk, now)
    kid = key.kid if "kid" in jwk else ""
    if kid and any(kid == other.kid for other in before):
        raise KeyRefused("duplicate_kid", kid=shown(kid))
    return Published(kid, key)
