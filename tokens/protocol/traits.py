"""Traits of an HTTP request that its client's contacts could modernise, for counting (PROTOCOL C-41). No Django here.

Each trait has a short, closed vocabulary, so that a client makes few combinations of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tokens.protocol.assertion import AssertionPolicy
from tokens.protocol.client_key import ClientKey
from tokens.protocol.federated import Issuer
from tokens.protocol.jws import Jws

ISSUER: Final = "issuer"
TOKEN_URL: Final = "token_url"  # noqa: S105  (in either letter case)
LIST: Final = "list"  # an array of one
REGISTERED: Final = "registered"  # the audience that an issuer is registered with, instead of ours
OWN_KID: Final = "own"
NO_KID: Final = "none"
OTHER: Final = "other"  # what a client's day has no more room for

LIFETIMES: Final = (60, 300, 600, 3600)  # upper bounds in seconds
LONGER: Final = 86_400  # stands for every lifetime beyond them


class Traits(NamedTuple):
    """Spellings of an assertion; empty for a secret. `lifetime`: the smallest fitting one of LIFETIMES, or LONGER."""

    audience: str = ""
    kid: str = ""
    algorithm: str = ""
    key_bits: int = 0  # of an RSA key; 0 for others
    lifetime: int = 0
    token_in_query: bool = False


NO_TRAITS: Final = Traits()
TOKEN_IN_QUERY: Final = Traits(token_in_query=True)
OTHER_TRAITS: Final = Traits(OTHER, OTHER, OTHER)


def of_assertion(assertion: Jws, key: ClientKey, policy: AssertionPolicy, now: float) -> Traits:
    """Return the traits of a verified assertion."""
    header, claims = assertion.header, assertion.claims
    audience = ISSUER if claims["aud"] == policy.issuer else LIST if isinstance(claims["aud"], list) else TOKEN_URL
    kid = key.names[header["kid"]] if "kid" in header else NO_KID
    return Traits(audience, kid, header["alg"], key.modulus.bit_length(), _lifetime(claims, now))


def of_federated(assertion: Jws, issuer: Issuer, now: float) -> Traits:
    """Return the traits of a verified federated assertion, without what only its issuer could change."""
    header, claims = assertion.header, assertion.claims
    audience, kid = REGISTERED if issuer.audience else ISSUER, OWN_KID if "kid" in header else NO_KID
    return Traits(audience, kid, header["alg"], 0, _lifetime(claims, now))


def _lifetime(claims: Mapping[str, Any], now: float) -> int:
    position = bisect_left(LIFETIMES, claims["exp"] - claims.get("iat", now))
    return LIFETIMES[position] if position < len(LIFETIMES) else LONGER
