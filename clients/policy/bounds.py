"""Bounds of policies on credentials and their use, and how several make one (PROTOCOL C-39). No Django here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final


class Bound(StrEnum):
    """Closed vocabulary of bounds; clients/policy/words.py has the words of each."""

    # On credentials: they end, and no new one of the kind is made.
    SECRETS_OFF = "secrets_off"
    SECRET_MAX_AGE = "secret_max_age"  # noqa: S105  (a name; the value is in days)
    KEY_MAX_AGE = "key_max_age"  # days, of keys without a certificate
    RSA_BITS = "rsa_bits"  # the smallest RSA key
    PROOF = "proof"  # a new key is proven before it is added
    # On how they are used: checked with each HTTP request.
    ALGORITHMS = "algorithms"  # the JWS algorithms that stay allowed
    AUDIENCE = "audience"  # the issuer, as one string
    SHA1_KID_OFF = "sha1_kid_off"
    EDDSA_OFF = "eddsa_off"  # the old name of Ed25519
    ASSERTION_LIFETIME = "assertion_lifetime"  # seconds, at most
    QUERY_OFF = "query_off"  # no token in the address


SWITCHES: Final = frozenset(
    {Bound.SECRETS_OFF, Bound.PROOF, Bound.AUDIENCE, Bound.SHA1_KID_OFF, Bound.EDDSA_OFF, Bound.QUERY_OFF}
)
# Bounds that are a number, with the least and the largest.
NUMBERS: Final = {
    Bound.SECRET_MAX_AGE: (30, 3650),
    Bound.KEY_MAX_AGE: (30, 3650),
    Bound.RSA_BITS: (2048, 16_384),
    Bound.ASSERTION_LIFETIME: (60, 86_400),
}
OF_USE: Final = frozenset(
    {
        Bound.ALGORITHMS, Bound.AUDIENCE, Bound.SHA1_KID_OFF, Bound.EDDSA_OFF, Bound.ASSERTION_LIFETIME,
        Bound.QUERY_OFF,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds that hold for a client at one moment; the defaults bound nothing."""

    secrets_off: bool = False
    secret_max_age: int | None = None
    key_max_age: int | None = None
    rsa_bits: int = 0
    proof: bool = False
    algorithms: frozenset[str] | None = None
    audience: bool = False
    sha1_kid_off: bool = False
    eddsa_off: bool = False
    assertion_lifetime: int | None = None
    query_off: bool = False

    def allows(self, algorithm: str) -> bool:
        if self.eddsa_off and algorithm == "EdDSA":
            return False
        return self.algorithms is None or algorithm in self.algorithms


NO_BOUNDS: Final = Bounds()


def merge(given: Iterable[tuple[str, Any]]) -> Bounds:
    """Return the strictest of bounds and their values. An unknown one, of a later version, bounds nothing."""
    merged = NO_BOUNDS
    for name, value in given:
        if name in Bound:
            stricter: dict[str, Any] = {name: _stricter(Bound(name), getattr(merged, name), value)}
            merged = replace(merged, **stricter)
    return merged


def _stricter(bound: Bound, held: Any, value: Any) -> object:
    if bound in SWITCHES:
        return held or bool(value)
    if bound == Bound.ALGORITHMS:
        return frozenset(value) if held is None else held & frozenset(value)
    if bound == Bound.RSA_BITS:
        return max(held, int(value))
    return int(value) if held is None else min(held, int(value))


def steps(given: Iterable[tuple[str, Any, float]]) -> tuple[tuple[float, Bounds], ...]:
    """Return the bounds that hold from each moment on, the last moment first; () where nothing is bounded."""
    rows = list(given)
    moments = sorted({since for _name, _value, since in rows}, reverse=True)
    return tuple((moment, merge((name, value) for name, value, since in rows if since <= moment)) for moment in moments)
