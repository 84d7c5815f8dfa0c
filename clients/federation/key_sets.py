"""Key sets of issuers and of clients' addresses: found, read, and ready to be kept (PROTOCOL F-35, F-37)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clients.federation.fetch import Fetcher
from clients.keymaterial import KeyRefused, Published, Skipped, read_published
from clients.refusal_codes import FetchCode
from foundation.refusals import Refusal

DISCOVERY = "/.well-known/openid-configuration"
_OF_A_SET = {"wrong_key_count": FetchCode.KEY_SET_TOO_MANY}


@dataclass(frozen=True)
class KeySet:
    """Usable keys of a set, and those that cannot be used, with the reason."""

    keys: Sequence[Published]
    skipped: Sequence[Skipped]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the usable keys as they are stored."""
        return [{"kid": row.kid, "jwk": dict(row.key.jwk), "algorithms": list(row.key.algorithms)} for row in self.keys]

    @property
    def skipped_rows(self) -> list[dict[str, Any]]:
        return [{"kid": row.kid, "code": row.code, "facts": dict(row.facts)} for row in self.skipped]


def read(data: bytes, *, now: datetime) -> KeySet:
    """Read a JWK set. Raises Refusal for one that as a whole cannot be used."""
    try:
        keys, skipped = read_published(data, now=now)
    except KeyRefused as refusal:
        code = FetchCode.KEY_SET_PRIVATE if refusal.compromised else _OF_A_SET.get(refusal.code)
        raise Refusal(code or FetchCode.KEY_SET_MALFORMED) from refusal
    if not keys:
        raise Refusal(FetchCode.KEY_SET_UNUSABLE)
    return KeySet(keys, skipped)


def digest(jwks: Mapping[str, Any]) -> str:
    """Return a short name of a whole set, that changes with each of its keys."""
    return hashlib.sha256(json.dumps(jwks, sort_keys=True).encode()).hexdigest()[:12]


def read_pasted(jwks: Mapping[str, Any], *, now: datetime) -> KeySet:
    """Read a JWK set that was pasted for an issuer without discovery. Raises Refusal."""
    return read(json.dumps(jwks).encode(), now=now)


def at(url: str, *, fetcher: Fetcher, now: datetime) -> KeySet:
    """Fetch the key set at an address. Raises Refusal."""
    return read(fetcher.get(url), now=now)


def of_issuer(url: str, *, fetcher: Fetcher, now: datetime) -> KeySet:
    """Fetch the key set of an issuer by its discovery document (OpenID Connect Discovery 1.0). Raises Refusal."""
    return at(_jwks_uri(fetcher.get(url.rstrip("/") + DISCOVERY), url), fetcher=fetcher, now=now)


def _jwks_uri(data: bytes, issuer: str) -> str:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refusal(FetchCode.DISCOVERY_MALFORMED) from error
    if not isinstance(document, dict) or not isinstance(address := document.get("jwks_uri"), str):
        raise Refusal(FetchCode.DISCOVERY_MALFORMED)
    # Exactly, or anyone who may write below that address could speak for another issuer.
    if document.get("issuer") != issuer:
        raise Refusal(FetchCode.DISCOVERY_OF_ANOTHER)
    return address
