"""Clients without use for settings.UNUSED_AFTER: found in what is written behind, told, then suspended.

A use is an HTTP request that a credential of the client authenticated, for a token or for introspection. A later use
makes what the contacts were told void; they are told again if the client is unused for that long once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest

from clients.acts import unused
from clients.models import Client
from tokens.models import CredentialUse

USES = CredentialUse.objects.filter(client=OuterRef("pk")).order_by().values("client")
LAST_USE = USES.annotate(at=Max("last_used_at")).values("at")
UNUSED_SINCE = Greatest("unused_from", Subquery(LAST_USE))  # the last use, or from when time without use counts
ACTIVE = Client.Status.ACTIVE


def told() -> QuerySet[Client]:
    """Return the active clients whose contacts were told, and that were neither used nor kept since."""
    was_told = Client.objects.filter(unused_told_at__isnull=False)  # implied by the comparison, but not for an index
    return was_told.filter(status=ACTIVE, unused_told_at__gt=UNUSED_SINCE)


def suspensions(clients: Iterable[Client]) -> dict[int, datetime]:
    """Return by primary key when the rule will suspend those whose contacts were told: within the hour after this."""
    announced = [client.pk for client in clients if client.unused_told_at]
    if not settings.UNUSED_AFTER or not announced:
        return {}
    rows = told().filter(pk__in=announced).values_list("pk", "unused_told_at")
    return {pk: at + unused.NOTICE for pk, at in rows if at}


def suspended_at(client: Client) -> datetime | None:
    """Return when the rule will suspend the client; None unless the contacts were told."""
    return suspensions([client]).get(client.pk)


def next_suspension() -> tuple[datetime, int] | None:
    """Return the first moment at which the rule will suspend a client, and how many it will; None without any."""
    announced = told().aggregate(first=Min("unused_told_at"), count=Count("pk")) if settings.UNUSED_AFTER else {}
    return (announced["first"] + unused.NOTICE, announced["count"]) if announced.get("first") else None


def settle(*, now: datetime) -> int:
    """Tell the contacts of unused clients, and suspend those that were told 30 days ago. Returns their number.

    While the rule is off, what was told is forgotten: after that the contacts are told again before a suspension.
    """
    if not settings.UNUSED_AFTER:
        Client.objects.exclude(unused_told_at=None).update(unused_told_at=None)
        return 0
    return sum(_settle(pk, now) for pk in _due(now).values_list("pk", flat=True))


@transaction.atomic
def _settle(pk: int, now: datetime) -> bool:
    Client.objects.locked(pk)
    # The client may have been used or kept before the lock, or another worker was here first.
    client = _due(now).filter(pk=pk).annotate(unused_since=UNUSED_SINCE).first()
    if client is None:
        return False
    if client.unused_told_at is None or client.unused_told_at <= client.unused_since:
        unused.tell(client=client, since=client.unused_since, now=now)
    else:
        unused.suspend(client=client, now=now)
    return True


def _due(now: datetime) -> QuerySet[Client]:
    """Return the active clients that are unused for that long, without those that were told less than 30 days ago."""
    untold = Q(unused_told_at=None) | Q(unused_told_at__lte=UNUSED_SINCE)
    is_over = Q(unused_told_at__lte=now - unused.NOTICE)
    limit = now - settings.UNUSED_AFTER
    active = Client.objects.filter(status=ACTIVE, unused_from__lte=limit).alias(since=UNUSED_SINCE)
    return active.filter(untold | is_over, since__lte=limit)
