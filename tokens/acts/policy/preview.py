"""Whom a change of a policy would stop, and when: by the uses of each day, and by the credentials (PROTOCOL C-40)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Q, QuerySet

from clients.acts import policies
from clients.acts.credentials import ends
from clients.acts.credentials.ends import Credential
from clients.acts.policies import Wanted
from clients.models import Client, Key, PolicyBound, Secret
from clients.models.client import ClientQuerySet
from clients.policy.bounds import OF_USE, Bound
from tokens.models import CredentialUse, UsageDetail
from tokens.protocol import traits

PERIOD = timedelta(days=30)  # of uses that count

OF_SECRETS = (Bound.SECRETS_OFF, Bound.SECRET_MAX_AGE)


@dataclass(frozen=True)
class Stopped:
    """Client that would be stopped: by the end of these credentials, or of what it did. `last_at`: the last use."""

    client: Client
    at: datetime
    last_at: datetime | None
    credentials: tuple[Credential, ...] = ()


def stopped(wanted: Wanted, *, now: datetime) -> list[Stopped]:
    """Return the existing clients that a bound would stop, the first to stop first. A withdrawal stops nobody."""
    if wanted.value is None or wanted.existing_from is None:
        return []
    clients = policies.clients_of(wanted.about).filter(status=Client.Status.ACTIVE)
    by_use = _by_use(wanted.bound, wanted.value, clients, wanted.existing_from, now)
    by_end = [] if wanted.bound in OF_USE - {Bound.ALGORITHMS} else _by_end(wanted, clients, now)
    found = {one.client.pk: one for one in [*by_use, *by_end]}
    return sorted(found.values(), key=lambda one: (one.at, one.client.name))


def affected(wanted: Wanted, *, now: datetime) -> list[int]:
    """Return the primary keys of the clients whose contacts a change concerns, also those that a withdrawal frees."""
    if wanted.value is not None:
        return [one.client.pk for one in stopped(wanted, now=now)]
    row = PolicyBound.objects.about(wanted.about).filter(bound=wanted.bound).first()
    if row is None:
        return []
    clients = policies.clients_of(wanted.about).filter(status=Client.Status.ACTIVE)
    bounded = (Q(expires_at__lt=F("site_expires_at")) | Q(site_expires_at=None)) & Q(expires_at__isnull=False)
    rows = _credentials(wanted.bound, clients, now)
    users = _by_use(wanted.bound, row.value, clients, now, now)
    of_credentials = [] if wanted.bound in OF_USE else rows.filter(bounded).values_list("client_id", flat=True)
    return sorted({*of_credentials, *(one.client.pk for one in users)})


def coming(client: Client, *, now: datetime) -> list[tuple[PolicyBound, datetime]]:
    """Return the bounds of use that will refuse what the client did lately, each with its moment."""
    rows = [(row, since) for row in PolicyBound.objects.of(client) if (since := row.since(client)) and since > now]
    return [
        (row, since)
        for row, since in sorted(rows, key=lambda row: row[1])
        if row.bound in OF_USE and _uses(Bound(row.bound), row.value, now).filter(client=client).exists()
    ]


def _uses(bound: Bound, value: Any, now: datetime) -> QuerySet[UsageDetail]:
    """Return the uses of the period that the bound would refuse."""
    conditions = {
        Bound.AUDIENCE: Q(audience__in=[traits.TOKEN_URL, traits.LIST]),
        Bound.SHA1_KID_OFF: Q(kid="sha1"),
        Bound.EDDSA_OFF: Q(algorithm="EdDSA"),
        Bound.ALGORITHMS: ~Q(algorithm__in=[*(value if isinstance(value, list) else []), "", traits.OTHER]),
        Bound.ASSERTION_LIFETIME: Q(lifetime__gt=value),
        Bound.QUERY_OFF: Q(token_in_query=True),
    }
    found = UsageDetail.objects.of_active_clients(now - PERIOD)
    return found.filter(conditions[bound]) if bound in conditions else found.none()


def _by_use(bound: Bound, value: Any, clients: ClientQuerySet, at: datetime, now: datetime) -> list[Stopped]:
    uses = _uses(bound, value, now).filter(client__in=clients).order_by()
    last = dict(uses.values_list("client_id").annotate(Max("last_at")))
    return [Stopped(client, at, last[client.pk]) for client in Client.objects.filter(pk__in=last)]


def _credentials(bound: Bound, clients: ClientQuerySet, now: datetime) -> QuerySet[Any]:
    rows: QuerySet[Any] = Secret.objects.lasting(now) if bound in OF_SECRETS else Key.objects.lasting(now)
    return rows.filter(client__in=clients).select_related("client")


def _by_end(wanted: Wanted, clients: ClientQuerySet, now: datetime) -> Iterator[Stopped]:
    """Return the clients with a credential that would end sooner, if it is in use or their only way."""
    ending: dict[Client, dict[Credential, datetime]] = defaultdict(dict)
    for row in _credentials(wanted.bound, clients, now):
        if end := ends.nearer(row, (wanted.bound, wanted.value, wanted.existing_from or now), now):
            ending[row.client][row] = end
    names = [row.credential for rows in ending.values() for row in rows]
    last = CredentialUse.objects.filter(last_used_at__gt=now - PERIOD).last_uses(names)
    for client, rows in ending.items():
        used = [row for row in rows if row.credential in last]
        if used or not _has_another_way(client, rows, now):
            stops = used or list(rows)
            last_at = max((last[row.credential] for row in used), default=None)
            yield Stopped(client, min(rows[row] for row in stops), last_at, tuple(stops))


def _has_another_way(client: Client, without: Iterable[Credential], now: datetime) -> bool:
    keys = client.keys.lasting(now).exclude(pk__in=[row.pk for row in without if isinstance(row, Key)])
    secrets = client.secrets.lasting(now).exclude(pk__in=[row.pk for row in without if isinstance(row, Secret)])
    return keys.exists() or (client.accepts_secrets and secrets.exists())
