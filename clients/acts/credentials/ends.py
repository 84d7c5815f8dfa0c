"""The end of a secret, bare key or trust by its age, and of a key or secret by a policy (PROTOCOL C-39 and C-40).

`site_expires_at` is the end that the site's settings gave; `expires_at` is that, or an earlier one by a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from clients.keymaterial import algorithm_names, rsa_bits
from clients.models import Client, Key, PolicyBound, Secret
from clients.policy import bounds as policy_bounds
from clients.policy.bounds import Bound, Bounds
from clients.refusal_codes import Code
from foundation.refusals import Refusal

GRACE = timedelta(days=30)  # no end of a credential comes nearer than this by a policy

Credential = Key | Secret
Policy = Sequence[tuple[str, object, datetime]]  # bound, value, since when for the client


def give(row: Credential, *, now: datetime) -> None:
    """Set the end of a credential that is being made; its act saves it."""
    age = _site_age(row)
    row.site_expires_at = now + age if age else None
    row.expires_at = _first([row.site_expires_at, *_by_policy(row, now, policy_of(row.client))])


def of_trust(now: datetime) -> datetime | None:
    """Return the end of a trust that is added or extended now; no policy bounds its age."""
    return now + settings.TRUST_MAX_AGE if settings.TRUST_MAX_AGE else None


def policy_of(client: Client) -> Policy:
    """Return the bounds of a client, those of later included."""
    rows = PolicyBound.objects.of(client)
    return [(row.bound, row.value, since) for row in rows if (since := row.since(client))]


def bounds_of(client: Client, now: datetime) -> Bounds:
    """Return what the policy of a client bounds at this moment."""
    return policy_bounds.merge([(bound, value) for bound, value, since in policy_of(client) if since <= now])


def check_key(row: Key, *, now: datetime) -> None:
    """Raise Refusal for a new key that the policy of its client does not allow."""
    bounds = bounds_of(row.client, now)
    if 0 < (bits := rsa_bits(row.jwk)) < bounds.rsa_bits:
        raise Refusal(Code.KEY_SMALLER_THAN_POLICY, bits=bits, least=bounds.rsa_bits)
    if not fits(row.jwk, row.algorithms, bounds):
        raise Refusal(Code.KEY_ALGORITHMS_OFF_BY_POLICY, algorithms=", ".join(row.algorithms))
    if bounds.proof and row.proven_at is None:
        raise Refusal(Code.PROOF_DEMANDED_BY_POLICY)


def refresh(client: Client, *, now: datetime) -> None:
    """Give the credentials of a client the ends that its policy demands. Part of an act, which has locked it."""
    policy = policy_of(client)
    for row in in_use(client, now):
        if (end := planned(row, policy, now)) != row.expires_at:
            type(row)._default_manager.filter(pk=row.pk).update(expires_at=end)


def in_use(client: Client, now: datetime) -> Iterator[Credential]:
    """Return the keys and secrets that have no end by a person, or a later one; aged ones, too."""
    yield from client.secrets.filter(Q(ends_at=None) | Q(ends_at__gt=now))
    yield from client.keys.filter(Q(retires_at=None) | Q(retires_at__gt=now))


def planned(row: Credential, policy: Policy, now: datetime) -> datetime | None:
    """Return the end of an existing credential under a policy; it never comes nearer than GRACE."""
    made_at = row.created_at if isinstance(row, Secret) else row.added_at
    end, kept = _first([row.site_expires_at, *_by_policy(row, made_at, policy)]), row.expires_at
    if end is None or (kept is not None and kept <= end):
        return end
    return _first([kept, max(end, now + GRACE)])


def nearer(row: Credential, bound: tuple[str, object, datetime], now: datetime) -> datetime | None:
    """Return the end that one more bound would give an existing credential; None if it changes nothing."""
    made_at = row.created_at if isinstance(row, Secret) else row.added_at
    end = _first(_by_policy(row, made_at, [bound]))
    if end is None or (row.end_at is not None and row.end_at <= max(end, now + GRACE)):
        return None
    return max(end, now + GRACE)


def _by_policy(row: Credential, made_at: datetime, policy: Policy) -> Iterable[datetime]:
    for name, value, since in policy:
        bound = policy_bounds.merge([(name, value)])
        age = bound.secret_max_age if isinstance(row, Secret) else _key_age(row, bound)
        if age is not None:
            yield max(made_at + timedelta(days=age), since)
        elif name == Bound.SECRETS_OFF if isinstance(row, Secret) else not fits(row.jwk, row.algorithms, bound):
            yield since


def fits(jwk: dict[str, object], algorithms: Iterable[str], bounds: Bounds) -> bool:
    """Return whether a key is large enough, and can sign with an algorithm that is allowed."""
    return not 0 < rsa_bits(jwk) < bounds.rsa_bits and any(map(bounds.allows, algorithm_names(algorithms)))


def _key_age(row: Key, bound: Bounds) -> int | None:
    return bound.key_max_age if row.kind == Key.Kind.JWK else None


def _site_age(row: Credential) -> timedelta:
    if isinstance(row, Secret):
        return settings.SECRET_MAX_AGE
    return settings.KEY_MAX_AGE if row.kind == Key.Kind.JWK else timedelta(0)


def _first(ends: Iterable[datetime | None]) -> datetime | None:
    return min((end for end in ends if end), default=None)
