"""Filters of the clients list of the Security team, each a query set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.fields.json import KT

from clients.models import Client, ClientContact, Key, Recertification, Scope, Secret, Trust
from clients.organisations import numbers as organisation_numbers
from clients.outdated_ways import OutdatedWay
from portal.search import staff_search
from portal.web.http_request import is_uuid
from tokens.acts.policy import outdated
from tokens.acts.uses import unused_clients
from tokens.models import CredentialUse, RefusalCount, UsageDetail

Clients = QuerySet[Client]
NAME, NEWEST, BY_REFUSALS = "name", "newest", "most_refused"  # values of the choice "sort"
ORDERS = {NAME: ("name", "id"), NEWEST: ("-created_at", "-id"), BY_REFUSALS: ("-refused_today", "-id")}
UNREACHABLE, UNREACHABLE_OWNERS = "unreachable", "unreachable_owners"  # values of the filter "contacts"
UNUSED, SUSPENDED_UNUSED = "unused", "suspended_unused"  # values of the filter "state", beside those of the status
REFUSED_WITHIN = timedelta(days=7)
TODAY = timedelta(hours=24)  # over which BY_REFUSALS counts
SHA1 = "sha1"  # a value of the filter "algorithm"


def matching(chosen: dict[str, Any], now: datetime) -> Clients:
    """Return the clients that match, in the chosen order. `chosen`: the cleaned data of ClientFilterForm.

    The order by refusals has only clients of which something was refused, so that it is as fast with many clients.
    """
    sort = chosen.get("sort") or NAME
    clients: Clients = Client.objects.all()
    if sort == BY_REFUSALS:
        clients = _refused_today(clients, now)
    clients = clients.order_by(*ORDERS[sort])
    for name, narrow in FILTERS.items():
        if chosen.get(name):
            clients = narrow(clients, chosen[name], now)
    return clients


def after(clients: Clients, last: Client, *, sort: str) -> Clients:
    """Return the clients after this one in the order of the list (keyset pages: page 1,000 is as fast as page 1)."""
    if sort == BY_REFUSALS:
        ranked: QuerySet[Any] = clients  # with the number of _refused_today
        counted = ranked.filter(pk=last.pk).values_list("refused_today", flat=True).first() or 0
        return ranked.filter(Q(refused_today__lt=counted) | Q(refused_today=counted, id__lt=last.pk))
    if sort == NEWEST:
        older = Q(created_at__lt=last.created_at) | Q(id__lt=last.pk)
        return clients.filter(older, created_at__lte=last.created_at)
    return clients.filter(Q(name__gt=last.name) | Q(id__gt=last.pk), name__gte=last.name)


def named(uid: str) -> Client | None:
    """Return the client after which a page begins."""
    return Client.objects.filter(uid=uid).first() if is_uuid(uid) else None


def _text(clients: Clients, text: str, _now: datetime) -> Clients:
    return clients.filter(pk__in=staff_search.clients_for(text).values("pk"))


def _state(clients: Clients, status: str, _now: datetime) -> Clients:
    """Keep clients with this status; UNUSED: active, and told; SUSPENDED_UNUSED: suspended by the rule (0032)."""
    if status == UNUSED:
        return clients.filter(pk__in=unused_clients.told().values("pk"))
    if status == SUSPENDED_UNUSED:
        return clients.filter(status=Client.Status.SUSPENDED).exclude(undo_until=None)
    return clients.filter(status=status)


def _organisation(clients: Clients, text: str, _now: datetime) -> Clients:
    return clients.filter(Q(organisation__icontains=text) | Q(organisation_number=organisation_numbers.normal(text)))


def _scope(clients: Clients, name: str, _now: datetime) -> Clients:
    """Keep clients that hold the scope. By its id, for which PostgreSQL knows whether they are few or many."""
    scope = Scope.objects.filter(name=name).first()
    return clients.filter(client_scopes__scope=scope) if scope else clients.none()


def _method(clients: Clients, method: str, now: datetime) -> Clients:
    by_secret = Q(Exists(_secrets(now)), secret_allowed=True)
    by_key = Q(Exists(_keys(now)))
    rules = {
        "secret": by_secret,
        "key": by_key,
        "both": by_secret & by_key,
        "key_only": by_key & ~by_secret,
        "secret_only": by_secret & ~by_key,
        "none": ~by_secret & ~by_key,
    }
    return clients.filter(rules[method])


def _algorithm(clients: Clients, description: str, now: datetime) -> Clients:
    """Keep clients with such a key. `description`: prefix of Key.description ("RSA 2048", "RSA", "EC"), or SHA1."""
    keys = _keys(now)
    found = named_by_sha1(keys) if description == SHA1 else keys.filter(description__startswith=description)
    return clients.filter(Exists(found))


def named_by_sha1(keys: QuerySet[Key]) -> QuerySet[Key]:
    """Return the certificates whose kid is their SHA-1 thumbprint, as in the older system."""
    return keys.filter(kid=KT("jwk__x5t"))


def _expiring(clients: Clients, days: int, now: datetime) -> Clients:
    until = now + timedelta(days=days)
    soon = Key.objects.expiring(until, now=now).filter(client=OuterRef("pk"))
    secrets = Secret.objects.lasting(now).filter(client=OuterRef("pk"), expires_at__lte=until)
    trusts = Trust.objects.expiring(until, now=now).filter(client=OuterRef("pk"))
    return clients.filter(Exists(soon) | Exists(secrets) | Exists(trusts), status=Client.Status.ACTIVE)


def _unused(clients: Clients, days: int, now: datetime) -> Clients:
    """Keep clients older than `days` whose credentials were all unused for that time."""
    limit = now - timedelta(days=days)
    used = CredentialUse.objects.filter(client=OuterRef("pk"), last_used_at__gt=limit)
    return clients.filter(~Exists(used), created_at__lt=limit).exclude(status=Client.Status.CLOSED)


def _secret_age(clients: Clients, days: int, now: datetime) -> Clients:
    """Keep clients that authenticate with a secret made longer ago than this."""
    old = _secrets(now).filter(created_at__lt=now - timedelta(days=days))
    return clients.filter(Exists(old), secret_allowed=True)


def _contacts(clients: Clients, state: str, _now: datetime) -> Clients:
    """Keep clients with a contact whose mail comes back, or all of whose owners' mail does (UNREACHABLE_OWNERS)."""
    contacts = ClientContact.objects.filter(client=OuterRef("pk"))
    if state == UNREACHABLE_OWNERS:
        owners = contacts.filter(role=ClientContact.Role.OWNER)
        return clients.filter(Exists(owners), ~Exists(owners.filter(user__unreachable_since=None)))
    return clients.filter(Exists(contacts.exclude(user__unreachable_since=None)))


def _recertification(clients: Clients, state: str, now: datetime) -> Clients:
    """Keep clients whose owners are asked whether they are still needed; `state`: due, or late."""
    questions = Recertification.objects.in_state(Recertification.State(state), now)
    return clients.filter(Exists(questions.filter(client=OuterRef("pk"))))


def _signed(clients: Clients, algorithm: str, now: datetime) -> Clients:
    """Keep active clients with an assertion, of a key of their own, that was signed so in the last 30 days."""
    signed = UsageDetail.objects.filter(
        client=OuterRef("pk"), algorithm=algorithm, credential__startswith="key:", uses__gt=0,
        day__gte=(now - outdated.PERIOD).date(),
    )  # fmt: skip
    return clients.filter(Exists(signed), status=Client.Status.ACTIVE)


def _outdated(clients: Clients, way: str, now: datetime) -> Clients:
    """Keep active clients that used an outdated way in the last 30 days, such as another audience than the issuer."""
    return clients.filter(Exists(outdated.uses(OutdatedWay(way), now).filter(client=OuterRef("pk"))))


def _refused(clients: Clients, least: int, now: datetime) -> Clients:
    """Keep clients of which at least so many HTTP requests were refused in 7 days."""
    counts = RefusalCount.objects.since(now - REFUSED_WITHIN).order_by().values("client").annotate(all=Sum("refused"))
    return clients.filter(pk__in=counts.filter(all__gte=least).values("client"))


def _refused_today(clients: Clients, now: datetime) -> Clients:
    """Keep clients of which HTTP requests were refused in 24 hours, with their number as `refused_today`.

    A join grouped by client takes half the time of a subquery for each, if there are ten thousand of them. A filter
    must not join several rows of a client to it: each would add to the number.
    """
    since = (now - TODAY).replace(minute=0, second=0, microsecond=0)
    return clients.filter(refusal_counts__hour__gte=since).annotate(refused_today=Sum("refusal_counts__refused"))


def _keys(now: datetime) -> QuerySet[Key]:
    return Key.objects.usable(now).filter(client=OuterRef("pk"))


def _secrets(now: datetime) -> QuerySet[Secret]:
    return Secret.objects.usable(now).filter(client=OuterRef("pk"))


FILTERS: dict[str, Callable[[Clients, Any, datetime], Clients]] = {
    "q": _text,
    "state": _state,
    "organisation": _organisation,
    "scope": _scope,
    "method": _method,
    "algorithm": _algorithm,
    "signed": _signed,
    "expiring": _expiring,
    "unused": _unused,
    "secret_age": _secret_age,
    "contacts": _contacts,
    "recertification": _recertification,
    "outdated": _outdated,
    "refused": _refused,
}
