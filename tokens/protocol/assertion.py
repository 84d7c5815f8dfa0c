"""Client assertions: JWTs that clients sign to authenticate (RFC 7521, RFC 7523 section 3). No Django here.

`jws.read` parses an assertion without trusting it, so that the client it names can be looked up; `verify` returns the
proven assertion or raises the first fault; `explain` lists all faults, for a client that is being built. Times are
seconds since 1970. Rules are cited by their ids in docs/protocol.md (PROTOCOL A-10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from clients.policy.bounds import Bound, Bounds
from tokens.protocol.client_key import ClientKey
from tokens.protocol.errors import InvalidClient, Rule
from tokens.protocol.jws import ALGORITHMS, Jws, spend_verification_time
from tokens.protocol.slips import near

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES: Final = frozenset({"jwt", "client-authentication+jwt"})
MAX_JTI_LENGTH: Final = 255  # characters
LONG_LIFETIME_S: Final = 600  # longer ones are accepted up to the policy's limit, with a remark
CLOCK_TOLERANCE_S: Final = 60  # how far `iat` and `nbf` may lie ahead; from CLOCK_REMARK_S on with a remark
CLOCK_REMARK_S: Final = 10


@dataclass(frozen=True)
class AssertionPolicy:
    """Rules for assertions. `audiences`: the issuer and the spellings of the token endpoint's address."""

    issuer: str
    audiences: frozenset[str]
    strict: bool = False  # `aud` is the issuer as one string and nothing else (rfc7523bis)
    max_lifetime: float = 3600.0
    algorithms: tuple[str, ...] = ALGORITHMS
    secrets_accepted: bool = True  # of the site; each client has a setting of its own, too
    sha1_kid: bool = True  # whether the SHA-1 of a certificate may be its `kid`

    def bounded(self, bounds: Bounds) -> AssertionPolicy:
        """Return these rules within a client's policy (PROTOCOL C-39)."""
        return replace(
            self,
            strict=self.strict or bounds.audience,
            max_lifetime=min(self.max_lifetime, bounds.assertion_lifetime or self.max_lifetime),
            algorithms=tuple(filter(bounds.allows, self.algorithms)),
            secrets_accepted=self.secrets_accepted and not bounds.secrets_off,
            sha1_kid=not bounds.sha1_kid_off,
        )


@dataclass(frozen=True)
class Verified:
    """Proven assertion: its key, and the `jti` that must not be used again before `expires_at`."""

    key: ClientKey
    jti: str
    expires_at: float
    remarks: tuple[tuple[Rule, dict[str, object]], ...]


def digest_of(jti: str) -> bytes:
    """Return the SHA-256 of a `jti`, for storage: enough to recognise it, and of fixed size."""
    return sha256(jti.encode("utf-8", "surrogatepass")).digest()


def short_digest(digest: bytes) -> str:
    """Return a digest for the journal, which tells whether two refused HTTP requests had the same assertion."""
    return digest.hex()[:16]


def verify(
    assertion: Jws, *, client_id: str, keys: Sequence[ClientKey], policy: AssertionPolicy, now: float,
    restored_at: float = 0.0,
) -> Verified:  # fmt: skip
    """Check header, key, signature and claims, in this order. Raises InvalidClient for the first fault.

    Only the client itself can cause the faults after the signature. The statement that consumes the `jti` finds replays
    (PROTOCOL A-14).
    """
    for check_header in HEADER_CHECKS:
        check_header(assertion.header)
    check_algorithm(assertion.header, keys, now, policy.algorithms)
    key = key_that_signed(assertion, keys, now, client_id)
    _check_spelling(assertion.header, key, policy)
    expected = Expected(client_id, policy, now, restored_at)
    for check_claims in CLAIM_CHECKS:
        check_claims(assertion.claims, expected)
    claims = assertion.claims
    return Verified(key, claims["jti"], float(claims["exp"]), tuple(_remarks(claims, now)))


def explain(
    assertion: Jws, *, client_id: str, keys: Sequence[ClientKey], policy: AssertionPolicy, now: float,
    restored_at: float = 0.0,
) -> list[InvalidClient]:  # fmt: skip
    """Return all faults of an assertion, for a contact who tries one out; [] if it would be accepted."""
    expected = Expected(client_id, policy, now, restored_at)
    checks: list[Callable[[], object]] = [
        *(lambda check=check: check(assertion.header) for check in HEADER_CHECKS),
        lambda: check_algorithm(assertion.header, keys, now, policy.algorithms),
        lambda: _check_spelling(assertion.header, key_that_signed(assertion, keys, now, client_id), policy),
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


def check_critical(header: Mapping[str, Any]) -> None:
    """Refuse every critical extension: Keydesk understands none (RFC 7515 section 4.1.11)."""
    if "crit" in header:
        raise InvalidClient(Rule.CRITICAL_HEADER, sent=header["crit"])


HEADER_CHECKS: Final = (_check_typ, check_critical)


def check_algorithm(
    header: Mapping[str, Any], keys: Sequence[ClientKey], now: float, accepted: tuple[str, ...] = ALGORITHMS
) -> None:
    """Return the algorithms of the client's own keys, as expected: another would be refused next."""
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in accepted:
        usable = [key.algorithms for key in keys if not key.problem_at(now)]
        possible = frozenset().union(*usable) or frozenset(accepted)
        expected = [name for name in accepted if name in possible]
        raise InvalidClient(Rule.ALGORITHM, sent=algorithm, expected=expected)


def key_that_signed(assertion: Jws, keys: Sequence[ClientKey], now: float, client_id: str) -> ClientKey:
    """Return the key that made the signature. `jwk`, `jku`, `x5u` and `x5c` in the header are never a source of keys.

    A refusal takes as long as a verification, whether or not a key was tried, so that the time does not tell which
    clients and keys exist (PROTOCOL A-16).
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


def _check_spelling(header: Mapping[str, Any], key: ClientKey, policy: AssertionPolicy) -> None:
    """Refuse the SHA-1 of a certificate as `kid` where a policy does (PROTOCOL C-39)."""
    if not policy.sha1_kid and key.names.get(header.get("kid", "")) == "sha1":
        others = [name for name, spelling in key.names.items() if spelling != "sha1"]
        raise InvalidClient(Rule.POLICY, bound=Bound.SHA1_KID_OFF.value, sent=header["kid"], expected=others)


def _candidates(header: Mapping[str, Any], keys: Sequence[ClientKey], now: float) -> list[ClientKey]:
    """Return the usable keys that the header means and that fit its algorithm, at least one (PROTOCOL A-10, A-15)."""
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
        raise named[0].refusal_at(now)
    algorithm = str(header.get("alg"))
    fitting = [key for key in usable if algorithm in key.algorithms]
    if not fitting:
        expected = sorted(frozenset().union(*(key.algorithms for key in usable)))
        raise InvalidClient(Rule.ALGORITHM_NOT_OF_KEY, sent=algorithm, expected=expected, key=usable[0].kid)
    # A certificate that was renewed over the same key counts as the same key.
    if "kid" not in header and len({key.imported.thumbprint() for key in fitting}) > 1:
        raise InvalidClient(Rule.KID_AMBIGUOUS, sent=None, expected=[key.kid for key in fitting])
    return fitting


# --- The claims (PROTOCOL) -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    client_id: str
    policy: AssertionPolicy
    now: float
    restored_at: float = 0.0  # when an older database was restored; 0: never


def _check_issuer(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.client_id:
        raise InvalidClient(Rule.ISSUER, sent=claims.get("iss"), expected=expected.client_id)


def _check_subject(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("sub") != expected.client_id:
        raise InvalidClient(Rule.SUBJECT, sent=claims.get("sub"), expected=expected.client_id)


def _check_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    """Check `aud` (PROTOCOL A-12).

    An array of two values is refused: one may be meant for another server (CVE-2025-27370/27371).
    """
    policy, audience = expected.policy, claims.get("aud")
    allowed = {policy.issuer} if policy.strict else policy.audiences
    if isinstance(audience, list) and len(audience) == 1 and not policy.strict:
        audience = audience[0]
    if not isinstance(audience, str) or audience not in allowed:
        # The issuer first, because every profile accepts it (rfc7523bis, FAPI 2.0).
        others = sorted(allowed - {policy.issuer})
        raise InvalidClient(Rule.AUDIENCE, sent=claims.get("aud"), expected=[policy.issuer, *others])


def _check_expiry(claims: Mapping[str, Any], expected: Expected) -> None:
    expires_at, now = time_of(claims, "exp", Rule.EXPIRY), expected.now
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
    check_not_ahead(claims, "iat", Rule.ISSUED_AT, expected.now)


def _check_not_before(claims: Mapping[str, Any], expected: Expected) -> None:
    check_not_ahead(claims, "nbf", Rule.NOT_BEFORE, expected.now)


def check_not_ahead(claims: Mapping[str, Any], name: str, rule: Rule, now: float) -> None:
    at = time_of(claims, name, rule)
    if at is not None and at > now + CLOCK_TOLERANCE_S:
        raise InvalidClient(rule, sent=claims[name], our_clock=int(now), max_seconds=CLOCK_TOLERANCE_S)


def _check_jti(claims: Mapping[str, Any], expected: Expected) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_LENGTH:
        raise InvalidClient(Rule.JTI, sent=jti, max_length=MAX_JTI_LENGTH)


def _check_restore(claims: Mapping[str, Any], expected: Expected) -> None:
    """Refuse what may have been used before a restore: the database has forgotten which `jti` was (PROTOCOL A-45).

    The clock of the client may have been ahead. Without `iat` the assertion is as old as its `exp` allows.
    """
    restored_at = expected.restored_at
    if not restored_at:
        return
    name, ahead = ("iat", CLOCK_TOLERANCE_S) if "iat" in claims else ("exp", expected.policy.max_lifetime)
    at = claims.get(name)
    if isinstance(at, int | float) and at <= restored_at + ahead:
        raise InvalidClient(Rule.BEFORE_RESTORE, restored_at=int(restored_at))


CLAIM_CHECKS: Final = (
    _check_issuer, _check_subject, _check_audience, _check_expiry, _check_issued_at, _check_not_before, _check_jti,
    _check_restore,
)  # fmt: skip


def time_of(claims: Mapping[str, Any], name: str, rule: Rule) -> float | None:
    """Return a NumericDate (RFC 7519 section 2), None if absent. A bool is an int in Python but no number in JSON."""
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
