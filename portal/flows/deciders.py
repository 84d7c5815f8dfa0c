"""The owners of APIs who decide on a request beside the Security team: who has decided, who is still to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from clients.models import Api, ApiOwner, Registration, RegistrationScope


@dataclass(frozen=True)
class Decider:
    """Owners of one API, and the word of one of them. `state`: ok, warn, bad, or info while they are to decide."""

    api: Api
    owners: list[str]
    state: str
    approved: list[str]
    refused: list[str]
    by: str
    at: datetime | None


def of(registration: Registration) -> list[Decider]:
    """Return the deciders of the APIs with an owner, by the name of the API. Three queries.

    Once the request is decided or withdrawn, those who gave no word are left out: nothing waits for them.
    """
    rows: dict[int, list[RegistrationScope]] = defaultdict(list)
    for row in registration.asked.select_related("scope", "owner"):
        rows[row.scope.api_id].append(row)
    owners: dict[int, list[str]] = defaultdict(list)
    for owner in ApiOwner.objects.acting().filter(api__in=rows).select_related("user").order_by("named_at"):
        owners[owner.api_id].append(str(owner.user))
    apis = Api.objects.filter(pk__in=rows)
    shown = [api for api in apis if _decided(rows[api.pk]) or (owners[api.pk] and registration.is_open)]
    return [_decider(api, rows[api.pk], owners[api.pk]) for api in shown]


def _decided(rows: list[RegistrationScope]) -> bool:
    return any(row.owner_approved is not None for row in rows)


def _decider(api: Api, rows: list[RegistrationScope], owners: list[str]) -> Decider:
    approved = [row.scope.name for row in rows if row.owner_approved]
    refused = [row.scope.name for row in rows if row.owner_approved is False]
    state = "info" if not _decided(rows) else "ok" if not refused else "warn" if approved else "bad"
    first = next((row for row in rows if row.owner_decided_at), None)
    return Decider(
        api=api, owners=owners, state=state, approved=approved, refused=refused,
        by=str(first.owner) if first else "", at=first.owner_decided_at if first else None,
    )  # fmt: skip
