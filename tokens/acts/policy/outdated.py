"""Clients that use what is outdated, from the counts of each day, and the mail that asks their contacts to change it.

Everything listed here still works.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet, Sum

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.mail import outbox
from clients.models import Client, Mail
from clients.outdated_ways import OutdatedWay
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tokens.models import UsageDetail
from tokens.protocol import traits
from tokens.protocol.assertion import LONG_LIFETIME_S

PERIOD = timedelta(days=30)
RSA_BITS = 3072  # fewer are outdated with RS256

WAYS = {
    OutdatedWay.AUDIENCE: Q(audience__in=[traits.TOKEN_URL, traits.LIST, traits.REGISTERED]),
    OutdatedWay.SHA1_KID: Q(kid="sha1"),
    OutdatedWay.EDDSA: Q(algorithm="EdDSA"),
    OutdatedWay.RSA_2048: Q(algorithm="RS256", key_bits__gt=0, key_bits__lt=RSA_BITS),
    OutdatedWay.SECRET: Q(credential__startswith="secret:"),
    OutdatedWay.TOKEN_IN_QUERY: Q(token_in_query=True),
    # Of an issuer's tokens only those that live for hours: a client cannot change how long its issuer makes them.
    OutdatedWay.LONG_LIFETIME: Q(lifetime__gt=LONG_LIFETIME_S)
    & (~Q(credential__startswith="trust:") | Q(lifetime=traits.LONGER)),
}


@dataclass(frozen=True)
class Figure:
    """Number of clients that used a way in the period, and its last use by any of them."""

    way: OutdatedWay
    clients: int
    last_at: datetime | None


@dataclass(frozen=True)
class User:
    """Client that used a way in the period; `uses` counts accepted HTTP requests."""

    client: Client
    uses: int
    last_at: datetime


def figures(*, now: datetime) -> tuple[int, list[Figure]]:
    """Return the number of active clients that were in use in the period, and the figure of each way."""
    asked = {f"{way.value}_{name}": made for way in WAYS for name, made in _aggregates(WAYS[way]).items()}
    found = UsageDetail.objects.of_active_clients(now - PERIOD).aggregate(
        clients=Count("client", distinct=True), **asked
    )
    return found["clients"], [Figure(way, found[f"{way.value}_clients"], found[f"{way.value}_last"]) for way in WAYS]


def _aggregates(condition: Q) -> dict[str, Count | Max]:
    return {"clients": Count("client", distinct=True, filter=condition), "last": Max("last_at", filter=condition)}


def users(way: OutdatedWay, *, now: datetime, at_most: int) -> list[User]:
    """Return the clients that used a way in the period, the most recent use first."""
    rows = list(
        uses(way, now)
        .values("client_id")
        .annotate(all_uses=Sum("uses"), last=Max("last_at"))
        .order_by("-last")[:at_most]
    )
    clients = Client.objects.in_bulk(row["client_id"] for row in rows)
    return [User(clients[row["client_id"]], row["all_uses"], row["last"]) for row in rows]


@transaction.atomic
def ask_to_change(*, way: OutdatedWay, reason: str, message: str = "", by: Actor, now: datetime) -> int:
    """Mail every contact of the clients that used a way in the period, and return the number of clients.

    Raises Refusal when no client did.
    """
    clients = Client.objects.filter(pk__in=list(uses(way, now).order_by().values_list("client_id", flat=True)))
    count = clients.count()
    if not count:
        raise Refusal(Code.CHANGED_MEANWHILE)
    facts = {"way": way.value, "message": message}
    outbox.queue_for_contacts_of_many(clients=clients, kind=Mail.Kind.OUTDATED_WAY, facts=facts, now=now)
    changes = {"outdated_way": (None, way.value), "clients_mailed": (None, count)}
    log.record(action=Action.OUTDATED_WAY_MAILED, actor=by, subject=log.SITE, changes=changes, note=by.because(reason))
    return count


def uses(way: OutdatedWay, now: datetime) -> QuerySet[UsageDetail]:
    """Return the counts of a way in the period, of active clients."""
    return UsageDetail.objects.of_active_clients(now - PERIOD).filter(WAYS[way])
