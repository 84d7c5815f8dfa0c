"""A key that a client adds to itself, with a proof that it has the private half.

The proof is a compact JWS by the new key: typ keydesk-proof+jwt over {aud, sub, iat, jti}. A client assertion is of
another type, so neither can stand for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.db import IntegrityError, transaction

from clients.actors import Actor
from clients.acts.credentials import keys
from clients.keymaterial import PublicKey, algorithm_names
from clients.models import Client, Key
from foundation.refusals import Refusal
from tokens.acts.refusal_codes import TokenCode
from tokens.models import UsedAssertion
from tokens.policy import from_settings
from tokens.protocol import jws
from tokens.protocol.assertion import MAX_JTI_LENGTH, digest_of
from tokens.protocol.client_key import ClientKey
from tokens.protocol.errors import InvalidClient

Start = Literal["now", "first_use", "staged"]
TYPE = "keydesk-proof+jwt"
MAX_AGE = timedelta(minutes=5)
MAX_AHEAD = timedelta(seconds=60)


@transaction.atomic
def add(
    *,
    client: Client,
    key: PublicKey,
    proof: str,
    start: Start,
    previous: Key | None,
    overlap: timedelta,
    label: str = "",
    by: Actor,
    now: datetime,
) -> Key:
    """Add a proven key, and retire `previous` after the overlap. Raises Refusal, and then spends no proof.

    With `first_use` the overlap begins when the new key is used.
    """
    claims = _claims_of(proof, key=key, client=client, now=now)
    waits = keys.Waits(previous, overlap) if start == "first_use" else None
    row = keys.add(client=client, key=key, by=by, now=now, active=start == "now", proven=True, label=label, waits=waits)
    _spend(client, claims)
    if previous is not None and waits is None:
        previous.refresh_from_db()
        if previous.retires_at is None:  # a renewed certificate has taken its place already
            keys.retire(key=previous, overlap=overlap, by=by, now=now)
    return row


def _claims_of(proof: str, *, key: PublicKey, client: Client, now: datetime) -> Mapping[str, Any]:
    """Return the claims of a proof by the private half of `key`, whatever its `kid` says. Raises Refusal."""
    policy = from_settings()
    try:
        read = jws.read(proof)
    except InvalidClient:
        raise _invalid("form") from None
    algorithm, claims = read.header.get("alg"), read.claims
    accepted = algorithm_names(key.algorithms).intersection(policy.algorithms)
    known = ClientKey("", key.kid, {}, accepted, key.jwk)
    checks = {
        "typ": read.header.get("typ") == TYPE,
        "crit": "crit" not in read.header,
        "alg": isinstance(algorithm, str) and algorithm in accepted,
        "aud": claims.get("aud") == policy.issuer,
        "sub": claims.get("sub") == client.client_id,
        "iat": _is_recent(claims.get("iat"), now),
        "jti": isinstance(claims.get("jti"), str) and 0 < len(claims["jti"]) <= MAX_JTI_LENGTH,
    }
    if wrong := next((name for name, holds in checks.items() if not holds), ""):
        raise _invalid(wrong)
    if not read.is_signed_by(known.imported, known.modulus):
        raise _invalid("signature")
    return claims


def _is_recent(issued_at: object, now: datetime) -> bool:
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        return False
    age = now.timestamp() - issued_at
    return -MAX_AHEAD.total_seconds() <= age <= MAX_AGE.total_seconds()


def _spend(client: Client, claims: Mapping[str, Any]) -> None:
    """Spend the `jti`, apart from those of client assertions. Raises Refusal for one that was used."""
    digest = digest_of(f"{TYPE}:{claims['jti']}")
    until = datetime.fromtimestamp(claims["iat"], UTC) + MAX_AGE + MAX_AHEAD
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(client=client, jti_digest=digest, expires_at=until)
    except IntegrityError:
        raise _invalid("jti") from None


def _invalid(problem: str) -> Refusal:
    """`problem`: the part that is wrong, "form" or "signature"."""
    return Refusal(TokenCode.PROOF_INVALID, problem=problem)
