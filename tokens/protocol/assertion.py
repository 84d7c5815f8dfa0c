"""Client assertions: a JWT that a client signs to authenticate (RFC 7521, RFC 7523 section 3). No Django here.

`jws.read` takes one apart without believing it, so that the client it names can be looked up; `verify` believes it, or
raises the first reason not to; `explain` lists all reasons, for a client that is being built.
Times are seconds since 1970. Rules are cited by their ids in docs/protocol.md (PROTOCOL A-10).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from joserfc.jwk import Key, import_key

from clients.keymaterial.encoding import base64url_decode
from tokens.protocol.errors import InvalidClient, Rule
from tokens.protocol.jws import ALGORITHMS, Jws, spend_verification_time
from tokens.protocol.slips import near

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES: Final = frozenset({"jwt", "client-authentication+jwt"})
MAX_JTI_LENGTH: Final = 255  # characters
LONG_LIFETIME_S: Final = 600  # seconds; longer ones are accepted up to the policy's limit, with a remark
CLOCK_TOLERANCE_S: Final = 60  # seconds that `iat` and `nbf` may lie ahead; from CLOCK_REMARK_S on with a remark
CLOCK_REMARK_S: Final = 10


@dataclass(frozen=True)
class ClientKey:
    """One of the client's keys. `names`: every `kid` that means it. `problem_at` tells why it cannot be used."""

    credential: str
    kid: str
    names: frozenset[str]
    algorithms: frozenset[str]
    jwk: Mapping[str, Any]
    active_from: float = 0.0
    retires_at: float = math.inf
    not_after: float = math.inf

    def problem_at(self, now: float) -> str:
        """PROTOCOL A-15: "staged", "retired", "expired", or "" for a key that authenticates."""
        if self.retires_at <= now:
            return "retired"
        if self.not_after <= now:
            return "expired"
        return "staged" if self.active_from > now else ""

    @cached_property
    def imported(self) -> Key:
        """Importing a JWK costs as much as verifying with it, so it is done once."""
        return import_key({name: self.jwk[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in self.jwk})

    @cached_property
    def modulus(self) -> int:
        """Of an RSA key; 0 for others."""
        return int.from_bytes(base64url_decode(self.jwk["n"])) if "n" in self.jwk else 0


@dataclass(frozen=True)
class Policy:
    """What assertions must say here. `audiences` holds the issuer and the spellings of the token endpoint's address."""

    issuer: str
    audiences: frozenset[str]
    strict: bool = False  # `aud` is the issuer as one string and nothing else (rfc7523bis)
    max_lifetime: float = 3600.0
    algorithms: tuple[str, ...] = ALGORITHMS
    secrets_accepted: bool = True  # of any client; each has a setting of its own, too


@dataclass(frozen=True)
class Verified:
    """A proven assertion: by which key, and the `jti` that must not be used again before `expires_at`."""

    key: ClientKey
    jti: str
    expires_at: float
    remarks: tuple[tuple[Rule, dict[str, object]], ...]


def digest_of(jti: str) -> bytes:
    """What is stored of a `jti`, which may say anything: to know it again, not to read it."""
    return sha256(jti.encode("utf-8", "surrogatepass")).digest()


def short_digest(digest: bytes) -> str:
    """For the journal: tells whether two refused requests carried the same assertion."""
    return digest.hex()[:16]


def verify(assertion: Jws, *, client_id: str, keys: Sequence[ClientKey], policy: Policy, now: float) -> Verified:
    """Checks header, key, signature and claims in this order: the reasons after the signature are the client's own.

    Whether the `jti` was used before is for the statement that spends it (PROTOCOL A-14). Raises InvalidClient.
    """
    for check_header in HEADER_CHECKS:
        check_header(assertion.header)
    _check_algorithm(assertion.header, keys, now, policy.algorithms)
    key = _signing_key(assertion, keys, now, client_id)
    expected = Expected(client_id, policy, now)
    for check_claims in CLAIM_CHECKS:
        check_claims(assertion.claims, expected)
    claims = assertion.claims
    return Verified(key, claims["jti"], float(claims["exp"]), tuple(_remarks(claims, now)))


def explain(
    assertion: Jws, *, client_id: str, keys: Sequence[ClientKey], policy: Policy, now: float
) -> list[InvalidClient]:
    """All that is wrong with an assertion, for the contact who tries one out; [] if it would be accepted."""
    expected = Expected(client_id, policy, now)
    checks: list[Callable[[], object]] = [
        *(lambda check=check: check(assertion.header) for check in HEADER_CHECKS),
        lambda: _check_algorithm(assertion.header, keys, now, policy.algorithms),
        lambda: _signing_key(assertion, keys, now, client_id),
        *(lambda check=check: check(assertion.claims, expected) for check in CLAIM_CHECKS),
    ]
    findings = []
    for check in checks:
        try:
            check()
        except InvalidClient as finding:
            findings.append(finding)
    return findings


# --- The header (PROTOCOL) -------------------------------------------------------------------------------


def _check_typ(header: Mapping[str, Any]) -> None:
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in TYPES:
        raise InvalidClient(Rule.TYP, sent=typ)


def _check_critical(header: Mapping[str, Any]) -> None:
    """RFC 7515 section 4.1.11: what we do not understand, and we understand no extension, must be refused."""
    if "crit" in header:
        raise InvalidClient(Rule.CRITICAL_HEADER, sent=header["crit"])


HEADER_CHECKS: Final = (_check_typ, _check_critical)


def _check_algorithm(
    header: Mapping[str, Any], keys: Sequence[ClientKey], now: float, accepted: tuple[str, ...] = ALGORITHMS
) -> None:
    """Return the algorithms of the client's own keys, as expected: another would be refused next."""
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in accepted:
        usable = [key.algorithms for key in keys if not key.problem_at(now)]
        possible = frozenset().union(*usable) or frozenset(accepted)
        expected = [name for name in accepted if name in possible]
        raise InvalidClient(Rule.ALGORITHM, sent=algorithm, expected=expected)


def _signing_key(assertion: Jws, keys: Sequence[ClientKey], now: float, client_id: str) -> ClientKey:
    """The key that made the signature. `jwk`, `jku`, `x5u` and `x5c` in the header are never a source of keys.

    A refusal takes as long as a verification, whether a key was tried or not: time tells nobody which clients and keys
    there are (PROTOCOL A-16).
    """
    try:
        candidates = _candidates(assertion.header, keys, now)
    except InvalidClient:
        spend_verification_time(assertion, client_id)
        raise
    for key in candidates:
        if assertion.is_signed_by(key.imported, key.modulus):
            return key
    raise InvalidClient(Rule.SIGNATURE, key=candidates[0].kid, algorithm=assertion.header["alg"])


def _candidates(header: Mapping[str, Any], keys: Sequence[ClientKey], now: float) -> list[ClientKey]:
    """PROTOCOL A-10 and A-15: the usable keys that the header means and that fit its algorithm; never an empty list."""
    if not keys:
        raise InvalidClient(Rule.NO_KEYS)
    named = list(keys)
    if "kid" in header:
        kid = header["kid"]
        named = [key for key in keys if isinstance(kid, str) and kid in key.names]
        if not named:
            known = [key.kid for key in keys if not key.problem_at(now)]
            raise InvalidClient(Rule.KID, sent=kid, expected=known, **near(kid, known))
    usable = [key for key in named if not key.problem_at(now)]
    if not usable:
        raise InvalidClient(Rule.KEY_NOT_USABLE, key=named[0].kid, state=named[0].problem_at(now))
    algorithm = str(header.get("alg"))
    fitting = [key for key in usable if algorithm in key.algorithms]
    if not fitting:
        expected = sorted(frozenset().union(*(key.algorithms for key in usable)))
        raise InvalidClient(Rule.ALGORITHM_NOT_OF_KEY, sent=algorithm, expected=expected, key=usable[0].kid)
    # A certificate that was renewed over the same key, and the old one, are one key.
    if "kid" not in header and len({key.imported.thumbprint() for key in fitting}) > 1:
        raise InvalidClient(Rule.KID_AMBIGUOUS, sent=None, expected=[key.kid for key in fitting])
    return fitting


# --- The claims (PROTOCOL) -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    client_id: str
    policy: Policy
    now: float


def _check_issuer(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.client_id:
        raise InvalidClient(Rule.ISSUER, sent=claims.get("iss"), expected=expected.client_id)


def _check_subject(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("sub") != expected.client_id:
        raise InvalidClient(Rule.SUBJECT, sent=claims.get("sub"), expected=expected.client_id)


def _check_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    """PROTOCOL A-12. Never an array of two values: one may be meant for another server (CVE-2025-27370/27371)."""
    policy, audience = expected.policy, claims.get("aud")
    allowed = {policy.issuer} if policy.strict else policy.audiences
    if isinstance(audience, list) and len(audience) == 1 and not policy.strict:
        audience = audience[0]
    if not isinstance(audience, str) or audience not in allowed:
        # The issuer first: the one that every profile takes (rfc7523bis, FAPI 2.0).
        others = sorted(allowed - {policy.issuer})
        raise InvalidClient(Rule.AUDIENCE, sent=claims.get("aud"), expected=[policy.issuer, *others])


def _check_expiry(claims: Mapping[str, Any], expected: Expected) -> None:
    expires_at, now = _time(claims, "exp", Rule.EXPIRY), expected.now
    if expires_at is None:
        raise InvalidClient(Rule.EXPIRY, sent=None)
    if expires_at <= now:
        raise InvalidClient(
            Rule.EXPIRED, sent=claims["exp"], our_clock=int(now), issued_at=claims.get("iat"),
            jti_digest=short_digest(digest_of(claims["jti"])) if isinstance(claims.get("jti"), str) else None,
        )  # fmt: skip
    limit = expected.policy.max_lifetime
    if expires_at > now + limit:
        raise InvalidClient(Rule.EXPIRES_TOO_LATE, sent=claims["exp"], our_clock=int(now), max_seconds=limit)


def _check_issued_at(claims: Mapping[str, Any], expected: Expected) -> None:
    _check_not_ahead(claims, "iat", Rule.ISSUED_AT, expected.now)


def _check_not_before(claims: Mapping[str, Any], expected: Expected) -> None:
    _check_not_ahead(claims, "nbf", Rule.NOT_BEFORE, expected.now)


def _check_not_ahead(claims: Mapping[str, Any], name: str, rule: Rule, now: float) -> None:
    at = _time(claims, name, rule)
    if at is not None and at > now + CLOCK_TOLERANCE_S:
        raise InvalidClient(rule, sent=claims[name], our_clock=int(now), max_seconds=CLOCK_TOLERANCE_S)


def _check_jti(claims: Mapping[str, Any], expected: Expected) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_LENGTH:
        raise InvalidClient(Rule.JTI, sent=jti, max_length=MAX_JTI_LENGTH)


CLAIM_CHECKS: Final = (
    _check_issuer, _check_subject, _check_audience, _check_expiry, _check_issued_at, _check_not_before, _check_jti,
)  # fmt: skip


def _time(claims: Mapping[str, Any], name: str, rule: Rule) -> float | None:
    """A NumericDate (RFC 7519 section 2), None when absent. A bool is an int in Python but no number in JSON."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
        raise InvalidClient(rule, sent=value)
    return float(value)


def _remarks(claims: Mapping[str, Any], now: float) -> Iterator[tuple[Rule, dict[str, object]]]:
    lifetime = claims["exp"] - claims.get("iat", now)
    if lifetime > LONG_LIFETIME_S:
        yield Rule.LONG_LIFETIME, {"seconds": round(lifetime), "max_seconds": LONG_LIFETIME_S}
    ahead = max(claims.get("iat", now), claims.get("nbf", now)) - now
    if ahead > CLOCK_REMARK_S:
        yield Rule.CLOCK_AHEAD, {"seconds": round(ahead)}
