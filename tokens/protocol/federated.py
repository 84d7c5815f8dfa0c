"""Federated assertions: JWTs of a registered issuer that a client trusts (PROTOCOL F-32 to F-34). No Django here.

The client holds no key. It trusts an issuer, an exact subject, and further claims that must be equal. Such a JWT may be
used until it expires, so no `jti` is spent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from clients.pinned_claims import is_pinned, value_at
from tokens.protocol.assertion import (
    TYPES,
    AssertionPolicy,
    check_algorithm,
    check_critical,
    check_not_ahead,
    key_that_signed,
    time_of,
)
from tokens.protocol.client_key import ClientKey
from tokens.protocol.errors import InvalidClient, Rule
from tokens.protocol.jws import Jws, spend_verification_time
from tokens.protocol.slips import near

OUTLIVES_BY_S: Final = 600  # how much longer than the assertion a token may live (PROTOCOL F-33)

_TYPES: Final = TYPES | {"jose"}  # JWT-SVID section 2.3
_SPELLED_LIKE_A_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER_OR_UUID: Final = re.compile(r"[0-9a-fA-F-]{20,}")


@dataclass(frozen=True)
class Issuer:
    """Registered issuer. `audience`: "" for ours; `keys_until`: when its keys are too old to be used."""

    id: int
    url: str
    keys: tuple[ClientKey, ...]
    enabled_at: float
    is_enabled: bool = True
    audience: str = ""
    max_lifetime: float = 3600.0
    keys_until: float = math.inf


@dataclass(frozen=True)
class Trust:
    """Trust of a client in a subject of an issuer. `claims`: pinned values by the name of their claim."""

    credential: str  # "trust:3"
    issuer: Issuer
    subject: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    ends_at: float = math.inf  # by a person, or by its age; those that ended within a month are known too
    expires_at: float = math.inf  # by its age

    def keeps_alive(self, issued_at: float, now: float) -> bool:
        """Return whether a token that this trust got lives; an issuer enabled again revives none (PROTOCOL F-34)."""
        return self.issuer.is_enabled and issued_at >= math.floor(self.issuer.enabled_at) and self.ends_at > now

    def is_removed(self, now: float) -> bool:
        """Return whether a person ended it, before it did by its age."""
        return self.ends_at <= now and self.ends_at < self.expires_at


@dataclass(frozen=True)
class Verified:
    """Proven federated assertion. No token of it may live longer than `tokens_until`."""

    trust: Trust
    tokens_until: int


def is_federated(assertion: Jws, *, names_client: bool) -> bool:
    """Return whether an assertion claims to be of an issuer. `names_client`: the form has a client_id.

    Its `iss` is an address then, which no client id is. Without a client_id, one whose `sub` is spelled like a client
    id stays a client's own assertion with a wrong `iss`; numbers and UUIDs are subjects.
    """
    issuer, subject = assertion.claims.get("iss"), assertion.claims.get("sub")
    if not isinstance(issuer, str) or "://" not in issuer:
        return False
    if names_client or not isinstance(subject, str) or not _SPELLED_LIKE_A_CLIENT_ID.fullmatch(subject):
        return True
    return _NUMBER_OR_UUID.fullmatch(subject) is not None


def is_own(assertion: Jws, client_id: str, trusts: Sequence[Trust]) -> bool:
    """Return whether it is the client's own assertion after all, with an address as `iss` by mistake."""
    return assertion.client_id == client_id and not of_issuer(trusts, assertion.claims.get("iss"))


def of_issuer(trusts: Sequence[Trust], issuer: object) -> list[Trust]:
    return [trust for trust in trusts if trust.issuer.url == issuer]


def verify(assertion: Jws, *, client_id: str, trusts: Sequence[Trust], policy: AssertionPolicy, now: float) -> Verified:
    """Check header, issuer, signature, claims and trust, in this order. Raises InvalidClient for the first fault."""
    trusts = _not_removed(trusts, now)
    of_its_issuer = of_issuer(trusts, assertion.claims.get("iss"))
    keys = of_its_issuer[0].issuer.keys if of_its_issuer else ()
    _check_header(assertion.header)
    check_algorithm(assertion.header, keys, now, policy.algorithms)
    try:
        issuer = _usable_issuer(assertion, trusts, of_its_issuer, now)
    except InvalidClient:
        # As long as a verification, so that the time does not tell which issuers a client trusts (PROTOCOL A-16).
        spend_verification_time(assertion, client_id)
        raise
    try:
        key_that_signed(assertion, keys, now, client_id)
        for check in CLAIM_CHECKS:
            check(assertion.claims, issuer, policy, now)
    except InvalidClient as refusal:
        raise refusal.about(issuer=issuer.url) from None
    trust = _trust_of(assertion.claims, of_its_issuer, now)
    return Verified(trust, math.floor(min(assertion.claims["exp"] + OUTLIVES_BY_S, trust.ends_at)))


def explain(
    assertion: Jws, *, client_id: str, trusts: Sequence[Trust], policy: AssertionPolicy, now: float
) -> list[InvalidClient]:
    """Return all faults of a federated assertion, for a contact who tries one out; [] if it would be accepted."""
    claims, header, trusts = assertion.claims, assertion.header, _not_removed(trusts, now)
    of_its_issuer = of_issuer(trusts, claims.get("iss"))
    issuer = of_its_issuer[0].issuer if of_its_issuer else None
    checks: list[Callable[[], object]] = [
        lambda: _check_typ(header),
        lambda: check_critical(header),
        lambda: check_algorithm(header, issuer.keys if issuer else (), now, policy.algorithms),
        lambda: _usable_issuer(assertion, trusts, of_its_issuer, now),
    ]
    if issuer:
        if issuer.keys:
            checks.append(lambda: key_that_signed(assertion, issuer.keys, now, client_id))
        checks += [partial(check, claims, issuer, policy, now) for check in CLAIM_CHECKS]
        checks.append(lambda: _trust_of(claims, of_its_issuer, now))
    return [finding.about(issuer=issuer.url) if issuer else finding for finding in _faults(checks)]


def _faults(checks: Sequence[Callable[[], object]]) -> Iterator[InvalidClient]:
    for check in checks:
        try:
            check()
        except InvalidClient as finding:
            yield finding


def _not_removed(trusts: Sequence[Trust], now: float) -> list[Trust]:
    """Return the trusts that the client still means, the aged ones too, so that a refusal can say so."""
    return [trust for trust in trusts if not trust.is_removed(now)]


def _check_header(header: Mapping[str, Any]) -> None:
    _check_typ(header)
    check_critical(header)


def _check_typ(header: Mapping[str, Any]) -> None:
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in _TYPES:
        raise InvalidClient(Rule.TYP, sent=typ)


def _usable_issuer(assertion: Jws, trusts: Sequence[Trust], of_its_issuer: Sequence[Trust], now: float) -> Issuer:
    sent = assertion.claims.get("iss")
    if not of_its_issuer:
        trusted = sorted({trust.issuer.url for trust in trusts})
        raise InvalidClient(Rule.FEDERATED_ISSUER, sent=sent, expected=trusted, **near(sent, trusted))
    issuer = of_its_issuer[0].issuer
    if not issuer.is_enabled:
        raise InvalidClient(Rule.FEDERATED_ISSUER, sent=sent, expected=[issuer.url], state="disabled")
    if not issuer.keys or issuer.keys_until <= now:
        raise InvalidClient(Rule.FEDERATED_KEYS_UNAVAILABLE, issuer=issuer.url, our_clock=int(now))
    return issuer


# --- The claims (PROTOCOL F-32) ---------------------------------------------------------------------------------------


def _check_audience(claims: Mapping[str, Any], issuer: Issuer, policy: AssertionPolicy, _now: float) -> None:
    """Check `aud`: one string, or an array of one; a second value may be meant for another server."""
    audience, expected = claims.get("aud"), issuer.audience or policy.issuer
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if not isinstance(audience, str) or audience != expected:
        raise InvalidClient(Rule.FEDERATED_AUDIENCE, sent=claims.get("aud"), expected=expected)


def _check_expiry(claims: Mapping[str, Any], issuer: Issuer, _policy: AssertionPolicy, now: float) -> None:
    expires_at = time_of(claims, "exp", Rule.EXPIRY)
    if expires_at is None:
        raise InvalidClient(Rule.EXPIRY, sent=None)
    issued_at = time_of(claims, "iat", Rule.ISSUED_AT)
    if expires_at <= now:
        raise InvalidClient(Rule.EXPIRED, sent=claims["exp"], our_clock=int(now), issued_at=claims.get("iat"))
    begin = now if issued_at is None else issued_at
    if expires_at - begin > issuer.max_lifetime:
        raise InvalidClient(
            Rule.EXPIRES_TOO_LATE, sent=claims["exp"], our_clock=int(now), issued_at=claims.get("iat"),
            max_seconds=issuer.max_lifetime,
        )  # fmt: skip


def _check_issued_at(claims: Mapping[str, Any], _issuer: Issuer, _policy: AssertionPolicy, now: float) -> None:
    check_not_ahead(claims, "iat", Rule.ISSUED_AT, now)


def _check_not_before(claims: Mapping[str, Any], _issuer: Issuer, _policy: AssertionPolicy, now: float) -> None:
    check_not_ahead(claims, "nbf", Rule.NOT_BEFORE, now)


CLAIM_CHECKS: Final = (_check_audience, _check_expiry, _check_issued_at, _check_not_before)


def _trust_of(claims: Mapping[str, Any], trusts: Sequence[Trust], now: float) -> Trust:
    """Return the trust whose subject and pinned claims are those of the token, compared exactly.

    Raises InvalidClient; of the trusts that fit, one that has not aged counts (PROTOCOL C-39).
    """
    subject = claims.get("sub")
    of_subject = [trust for trust in trusts if isinstance(subject, str) and trust.subject == subject]
    if not of_subject:
        known = sorted({trust.subject for trust in trusts})
        raise InvalidClient(Rule.FEDERATED_SUBJECT, sent=subject, expected=known, **near(subject, known))
    differing = {trust.credential: differences(claims, trust.claims) for trust in of_subject}
    if equal := [trust for trust in of_subject if not differing[trust.credential]]:
        last = max(equal, key=lambda trust: trust.ends_at)
        if last.ends_at <= now:
            raise InvalidClient(Rule.CREDENTIAL_ENDED, subject=subject, ended_at=int(last.ends_at), our_clock=int(now))
        return last
    closest = min(of_subject, key=lambda trust: len(differing[trust.credential]))
    name = differing[closest.credential][0]
    raise InvalidClient(Rule.FEDERATED_CLAIM, claim=name, sent=value_at(claims, name)[1], expected=closest.claims[name])


def differences(claims: Mapping[str, Any], pinned: Mapping[str, Any]) -> list[str]:
    """Return the names of the pinned claims that are absent or not equal."""
    return [name for name, value in pinned.items() if not is_pinned(claims, name, value)]
