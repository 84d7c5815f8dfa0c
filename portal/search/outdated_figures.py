"""Figures of outdated ways for the Security team, counted by the worker and kept in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache

from clients.models import Client
from clients.outdated_ways import OutdatedWay
from tokens.acts.policy import outdated
from tokens.acts.policy.outdated import Figure, User

# A month of counts of a hundred thousand clients exceeds the time of a page, so the worker counts (portal/tasks.py).
KEY = "outdated_ways"
LIFETIME_S = 1800  # afterwards, without a worker, the page itself counts
SHOWN = 100  # clients of a way


@dataclass(frozen=True)
class Counted:
    """Figures as they were at `at`; `clients` were in use in the period. `rows` are User as plain values, by way."""

    at: datetime
    clients: int
    figures: dict[OutdatedWay, Figure]
    rows: dict[str, list[tuple[int, int, str]]]

    def users(self, way: OutdatedWay) -> list[User]:
        """Return the clients that used the way, the most recent use first: at most SHOWN."""
        rows = self.rows[way.value]
        clients = Client.objects.in_bulk(pk for pk, _uses, _last in rows)
        return [User(clients[pk], uses, datetime.fromisoformat(last)) for pk, uses, last in rows if pk in clients]


def current(now: datetime) -> Counted:
    """Return the figures of the last half hour, or count them now if the worker has not."""
    plain = cache.get(KEY) or refresh(now)
    figures = {
        OutdatedWay(way): Figure(OutdatedWay(way), clients, datetime.fromisoformat(last) if last else None)
        for way, clients, last in plain["figures"]
    }
    return Counted(datetime.fromisoformat(plain["at"]), plain["clients"], figures, plain["rows"])


def refresh(now: datetime) -> dict[str, Any]:
    """Count, and cache the figures as plain values, because the cache keeps JSON."""
    clients, figures = outdated.figures(now=now)
    plain = {
        "at": now.isoformat(),
        "clients": clients,
        "figures": [(one.way.value, one.clients, one.last_at.isoformat() if one.last_at else "") for one in figures],
        "rows": {way.value: _rows(way, now) for way in OutdatedWay},
    }
    cache.set(KEY, plain, LIFETIME_S)
    return plain


def _rows(way: OutdatedWay, now: datetime) -> list[tuple[int, int, str]]:
    users = outdated.users(way, now=now, at_most=SHOWN)
    return [(user.client.pk, user.uses, user.last_at.isoformat()) for user in users]
