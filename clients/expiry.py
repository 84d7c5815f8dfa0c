"""Mail to the contacts before a certificate ends: 30, 14, 7 and 1 days ahead, each once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from clients import outbox
from clients.models import Client, Key, Mail

WARN_DAYS = (30, 14, 7, 1)


def warn(*, now: datetime) -> int:
    """Queues the mails that are due; returns for how many keys."""
    soon = now + timedelta(days=max(WARN_DAYS))
    expiring = Key.objects.lasting(now).filter(not_after__lte=soon, client__status=Client.Status.ACTIVE)
    warned = 0
    for key in expiring.select_related("client"):
        if key.not_after and (step := _step_passed(key.not_after, now)):
            warned += _warn_once(key, key.not_after, step, now)
    return warned


def _step_passed(not_after: datetime, now: datetime) -> datetime | None:
    """The latest moment at which the contacts had to be warned, e.g. seven days before the end."""
    moments = [not_after - timedelta(days=days) for days in WARN_DAYS]
    return max((moment for moment in moments if moment <= now), default=None)


@transaction.atomic
def _warn_once(key: Key, not_after: datetime, step: datetime, now: datetime) -> bool:
    Client.objects.locked(key.client_id)
    not_warned = Key.objects.filter(Q(warned_at=None) | Q(warned_at__lt=step), pk=key.pk)
    if not not_warned.update(warned_at=now):
        return False
    facts = {"kid": key.kid, "not_after": not_after.isoformat(), "days": (not_after - now).days}
    outbox.queue_for_contacts(client=key.client, kind=Mail.Kind.CREDENTIAL_EXPIRES, facts=facts, now=now)
    return True
