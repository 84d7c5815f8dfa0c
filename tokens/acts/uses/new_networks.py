"""New networks of clients, found in what is written behind anyway, so that no HTTP request pays for it (PROTOCOL C-43).

A network here is a /24 or /48, roughly a site, while the counts have single addresses. It is new when the counts have
no earlier use of it. Of a client that has no network yet, the first ones are only new if counting began long enough ago
to know that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Func, Min, OuterRef, QuerySet, TextField

from clients.acts import networks
from clients.models import Client, ClientNetwork
from tokens.acts.uses import evidence
from tokens.models import UsageDetail
from tokens.protocol.traits import OTHER

LOOKED_BACK = timedelta(days=2)  # at each sweep, which runs every few minutes
OLD_ENOUGH = timedelta(days=30)  # a client, and the counts, before a network is notable
AT_ONCE = 500


class Wide(Func):
    """The /24 or /48 of a counted network, as foundation.ip_addresses.wide_network has it."""

    template = (
        "CASE WHEN %(expressions)s IN ('', 'other') THEN '' ELSE network(set_masklen("
        "%(expressions)s::inet, CASE WHEN %(expressions)s LIKE '%%%%:%%%%' THEN 48 ELSE 24 END))::text END"
    )
    output_field = TextField()


def sweep(*, now: datetime) -> int:
    """Note networks that clients used for the first time. Returns their number."""
    return networks.note(_found(now), now=now)


def _found(now: datetime) -> Iterator[ClientNetwork]:
    known = ClientNetwork.objects.filter(client_id=OuterRef("client_id"), network=OuterRef("wide"))
    lately = _proven().filter(~Exists(known), day__gte=(now - LOOKED_BACK).date())
    pairs = list(lately.values_list("client_id", "wide").distinct()[:AT_ONCE])
    clients = Client.objects.in_bulk({client for client, _network in pairs})
    with_known = set(ClientNetwork.objects.filter(client__in=clients).values_list("client_id", flat=True))
    counting_since = UsageDetail.objects.aggregate(day=Min("day"))["day"]
    counted_long = counting_since is not None and counting_since <= (now - OLD_ENOUGH).date()
    for pk, network in pairs:
        first = _proven().filter(client_id=pk, wide=network).order_by("first_at").first()
        if first is not None and pk in clients:
            is_old = clients[pk].created_at <= first.first_at - OLD_ENOUGH
            is_new = is_old and first.first_at > now - LOOKED_BACK and (pk in with_known or counted_long)
            yield ClientNetwork(
                client=clients[pk], network=network, credential=first.credential, first_at=first.first_at,
                is_new=is_new,
            )  # fmt: skip


def _proven() -> QuerySet[Any, Any]:
    """Return the counts of HTTP requests whose credential was proven, by networks that are one."""
    return evidence.proven().exclude(network__in=["", OTHER]).annotate(wide=Wide("network"))


def forget(*, now: datetime, kept: timedelta) -> None:
    """Delete networks that the counts no longer have."""
    counted = UsageDetail.objects.annotate(wide=Wide("network")).filter(
        client_id=OuterRef("client_id"), wide=OuterRef("network")
    )
    ClientNetwork.objects.filter(~Exists(counted), first_at__lt=now - kept).delete()
