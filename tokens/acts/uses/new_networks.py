"""New networks of clients, found in what is written behind anyway, so that no HTTP request pays for it (PROTOCOL C-43).

A network is new when the counts of 400 days do not have it before. Of a client that has none yet the first ones are
only new if counting began long enough ago to know that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, Max, Min, OuterRef, Sum

from clients.acts import networks
from clients.models import Client, ClientNetwork
from tokens.models import UsageDetail, UsageDetailQuerySet
from tokens.protocol.traits import OTHER

LOOKED_BACK = timedelta(days=2)  # at each sweep, which runs every few minutes
OLD_ENOUGH = timedelta(days=30)  # a client, and the counts, before a network is notable
MAX_SHOWN = 100
AT_ONCE = 500


def sweep(*, now: datetime) -> int:
    """Note networks that clients used for the first time. Returns their number."""
    return networks.note(_found(now), now=now)


def _found(now: datetime) -> Iterator[ClientNetwork]:
    known = ClientNetwork.objects.filter(client_id=OuterRef("client_id"), network=OuterRef("network"))
    lately = _proven().filter(~Exists(known), day__gte=(now - LOOKED_BACK).date())
    pairs = list(lately.values_list("client_id", "network").distinct()[:AT_ONCE])
    clients = Client.objects.in_bulk({client for client, _network in pairs})
    with_known = set(ClientNetwork.objects.filter(client__in=clients).values_list("client_id", flat=True))
    counting_since = UsageDetail.objects.aggregate(day=Min("day"))["day"]
    counted_long = counting_since is not None and counting_since <= (now - OLD_ENOUGH).date()
    for pk, network in pairs:
        first = _proven().filter(client_id=pk, network=network).order_by("first_at").first()
        if first is not None and pk in clients:
            is_old = clients[pk].created_at <= first.first_at - OLD_ENOUGH
            is_new = is_old and first.first_at > now - LOOKED_BACK and (pk in with_known or counted_long)
            yield ClientNetwork(
                client=clients[pk], network=network, credential=first.credential, first_at=first.first_at,
                is_new=is_new,
            )  # fmt: skip


def _proven() -> UsageDetailQuerySet:
    """Return the counts of HTTP requests whose credential was proven, by networks that are one."""
    return UsageDetail.objects.exclude(credential="").exclude(network__in=["", OTHER])


def forget(*, now: datetime, kept: timedelta) -> None:
    """Delete networks that the counts no longer have."""
    counted = UsageDetail.objects.filter(client_id=OuterRef("client_id"), network=OuterRef("network"))
    ClientNetwork.objects.filter(~Exists(counted), first_at__lt=now - kept).delete()


def shown(client: Client) -> list[dict[str, object]]:
    """Return the networks that a client was used from, with each credential, the most recent use first."""
    rows = _proven().filter(client=client).values("network", "credential")
    counted = rows.annotate(count=Sum("uses"), first=Min("first_at"), last=Max("last_at"))
    return [dict(row) for row in counted.order_by("-last", "network")[:MAX_SHOWN]]
