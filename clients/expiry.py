"""Mail to the contacts before a key, secret or trust ends: 30, 14, 7 and 1 days ahead, once each, until it goes on.

A key or secret is replaced, a trust is extended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from clients.mail import outbox
from clients.models import Client, Key, Mail, Secret, Trust

WARN_DAYS = (30, 14, 7, 1)
EXPIRY_NOTICE = timedelta(days=max(WARN_DAYS))  # before a credential ends; pages warn from then on, too
UNUSED_AFTER = timedelta(days=7)  # without use, the end of a key or secret is taken to break nothing

# A function from credentials to their last use; unused ones are left out. The counters are in `tokens`.
LastUses = Callable[[Iterable[str]], Mapping[str, datetime]]


def warn(*, now: datetime, last_uses: LastUses) -> int:
    """Queue the mails that are due, and return the number of their credentials."""
    soon = now + EXPIRY_NOTICE
    warned = 0
    for key in Key.objects.expiring(soon, now=now).filter(**_OF_ACTIVE).select_related("client"):
        if key.own_end and (step := step_passed(key.own_end, now)):
            warned += _warn_once(key, key.own_end, step, now, last_uses)
    secrets = Secret.objects.lasting(now).filter(expires_at__lte=soon, client__secret_allowed=True, **_OF_ACTIVE)
    for secret in secrets.select_related("client"):
        if secret.client.accepts_secrets and secret.expires_at and (step := step_passed(secret.expires_at, now)):
            warned += _warn_once(secret, secret.expires_at, step, now, last_uses)
    for trust in Trust.objects.expiring(soon, now=now).filter(**_OF_ACTIVE).select_related("client", "issuer"):
        if trust.expires_at and (step := step_passed(trust.expires_at, now)):
            warned += _warn_once(trust, trust.expires_at, step, now, last_uses)
    return warned


_OF_ACTIVE = {"client__status": Client.Status.ACTIVE}


def step_passed(end: datetime, now: datetime, warn_days: Iterable[int] = WARN_DAYS) -> datetime | None:
    """Return the latest moment at which a warning was due, e.g. seven days before the end; None if none was."""
    moments = [end - timedelta(days=days) for days in warn_days]
    return max((moment for moment in moments if moment <= now), default=None)


@transaction.atomic
def _warn_once(row: Key | Secret | Trust, end: datetime, step: datetime, now: datetime, last_uses: LastUses) -> bool:
    client = Client.objects.locked(row.client_id)
    successors = [other.credential for other in _successors(client, row, end, now)]
    uses = last_uses([row.credential, *successors])
    last, is_followed = uses.get(row.credential), any(name in uses for name in successors)
    if is_followed and (last is None or last <= now - UNUSED_AFTER):
        return False
    rows: QuerySet[Any] = type(row)._default_manager.all()
    if not rows.filter(Q(warned_at=None) | Q(warned_at__lt=step), pk=row.pk).update(warned_at=now):
        return False
    facts = {
        **_named(row),
        "uid": str(row.uid),
        "not_after": end.isoformat(),
        "successor": bool(successors),
        "successor_used": is_followed,
        "last_used_at": last.isoformat() if last else None,
    }
    outbox.queue_for_contacts(client=row.client, kind=Mail.Kind.CREDENTIAL_EXPIRES, facts=facts, now=now)
    return True


def _named(row: Key | Secret | Trust) -> dict[str, str]:
    """Return what the mail calls it; what there is tells its kind, too."""
    if isinstance(row, Key):
        return {"kid": row.kid}
    return {"hint": row.hint} if isinstance(row, Secret) else {"trust": row.audit_label}


def _successors(client: Client, row: Key | Secret | Trust, end: datetime, now: datetime) -> Iterable[Key | Trust]:
    """Return what of the client goes on when this credential ends: its keys, and for a trust the others, too.

    A new secret ends the old one by itself.
    """
    in_time = Q(expires_at=None) | Q(expires_at__gt=end)
    keys = client.keys.lasting(now).filter(in_time, Q(not_after=None) | Q(not_after__gt=end))
    if isinstance(row, Trust):
        return [*keys, *client.trusts.lasting(now).filter(in_time).exclude(pk=row.pk)]
    return keys.exclude(pk=row.pk) if isinstance(row, Key) else keys
