"""Mail to the contacts before a certificate ends: 30, 14, 7 and 1 days ahead, once each, until it is replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from clients.mail import outbox
from clients.models import Client, Key, Mail

WARN_DAYS = (30, 14, 7, 1)
EXPIRY_NOTICE = timedelta(days=max(WARN_DAYS))  # before a certificate ends; pages warn from then on, too
UNUSED_AFTER = timedelta(days=7)  # without use, the end of a key or secret is taken to break nothing

# A function from credentials to their last use; unused ones are left out. The counters are in `tokens`.
LastUses = Callable[[Iterable[str]], Mapping[str, datetime]]


def warn(*, now: datetime, last_uses: LastUses) -> int:
    """Queue the mails that are due, and return the number of their keys."""
    soon = now + EXPIRY_NOTICE
    expiring = Key.objects.lasting(now).filter(not_after__lte=soon, client__status=Client.Status.ACTIVE)
    warned = 0
    for key in expiring.select_related("client"):
        if key.not_after and (step := _step_passed(key.not_after, now)):
            warned += _warn_once(key, key.not_after, step, now, last_uses)
    return warned


def _step_passed(not_after: datetime, now: datetime) -> datetime | None:
    """Return the latest moment at which a warning was due, e.g. seven days before the end; None if none was."""
    moments = [not_after - timedelta(days=days) for days in WARN_DAYS]
    return max((moment for moment in moments if moment <= now), default=None)


@transaction.atomic
def _warn_once(key: Key, not_after: datetime, step: datetime, now: datetime, last_uses: LastUses) -> bool:
    client = Client.objects.locked(key.client_id)
    successors = [other.credential for other in _successors(client, key, not_after, now)]
    uses = last_uses([key.credential, *successors])
    last, is_followed = uses.get(key.credential), any(name in uses for name in successors)
    if is_followed and (last is None or last <= now - UNUSED_AFTER):
        return False
    not_warned = Key.objects.filter(Q(warned_at=None) | Q(warned_at__lt=step), pk=key.pk)
    if not not_warned.update(warned_at=now):
        return False
    facts = {
        "kid": key.kid,
        "not_after": not_after.isoformat(),
        "successor": bool(successors),
        "successor_used": is_followed,
        "last_used_at": last.isoformat() if last else None,
    }
    outbox.queue_for_contacts(client=key.client, kind=Mail.Kind.CREDENTIAL_EXPIRES, facts=facts, now=now)
    return True


def _successors(client: Client, key: Key, not_after: datetime, now: datetime) -> Iterable[Key]:
    """Return the client's keys that go on when this one ends."""
    after = Q(not_after=None) | Q(not_after__gt=not_after)
    return client.keys.lasting(now).filter(after).exclude(pk=key.pk)
