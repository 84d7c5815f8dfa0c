"""Snapshot of a client at one version, for decisions about its HTTP requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

from clients.policy.bounds import NO_BOUNDS, Bounds
from tokens.protocol.client_key import ClientKey
from tokens.protocol.federated import Trust


@dataclass(frozen=True, slots=True)
class ClientSecret:
    credential: str  # "secret:3"
    digest: bytes
    ends_at: float  # by a person, or by its age
    expires_at: float = math.inf  # by its age

    def is_digest_of(self, digest: bytes) -> bool:
        return compare_digest(self.digest, digest)


@dataclass(frozen=True, slots=True)
class ClientSnapshot:
    """Client at one version. Keys and secrets that ended within a month are included, for the journal to say so."""

    id: int
    client_id: str
    version: int
    epoch: int
    status: str
    secret_allowed: bool
    may_request_tokens: bool
    issuer_audience_only: bool
    token_lifetime: int | None  # seconds; None: the site's
    rate_limit: int | None  # HTTP requests a minute; None: the site's
    uid: str
    name: str
    organisation: str
    secrets: tuple[ClientSecret, ...] = ()
    keys: tuple[ClientKey, ...] = ()
    trusts: tuple[Trust, ...] = ()
    scopes: Mapping[str, str] = field(default_factory=dict)  # name -> identifier of its API
    default_scopes: tuple[str, ...] = ()
    serves_scopes: frozenset[str] = frozenset()  # scopes of the APIs for which it is a resource server
    restored_at: float = 0.0  # assertions from before are refused
    policy: tuple[tuple[float, Bounds], ...] = ()  # since when, the last first (PROTOCOL C-39)

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    def bounds_at(self, now: float) -> Bounds:
        """Return what policies bound at this moment; NO_BOUNDS for most clients."""
        for since, bounds in self.policy:
            if since <= now:
                return bounds
        return NO_BOUNDS
