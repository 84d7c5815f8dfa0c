"""Tokens issued and HTTP requests refused per UTC day, for charts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum

from clients.models import Client
from portal.ui.svg import axis
from tokens.models import UsageDay

DAYS = 30


def of_client(client: Client, now: datetime) -> dict[str, Any]:
    return _chart(UsageDay.objects.filter(client=client), now)


def only_refused(chart: dict[str, Any]) -> dict[str, Any]:
    """Return the chart of the refused requests alone, on a scale of their own."""
    days = [{**day, "issued": 0} for day in chart["days"]]
    return {**chart, "days": days, "ticks": axis(max(day["refused"] for day in days)), "only_refused": True}


def totals(now: datetime) -> dict[str, list[int]]:
    """Return tokens issued and HTTP requests refused of all clients, by ISO day: plain values, for a cache."""
    rows = _sums(UsageDay.objects.all(), now, "day")
    return {row["day"].isoformat(): [row["issued"], row["refused"]] for row in rows}


def refused_most(now: datetime, *, days: int, limit: int) -> list[dict[str, Any]]:
    """Return the clients with the most refusals: uid, name, refused, issued; plain values, for a cache."""
    recent = UsageDay.objects.filter(day__gt=now.date() - timedelta(days=days)).order_by()
    sums = recent.values("client__uid", "client__name").annotate(all_issued=Sum("issued"), all_refused=Sum("refused"))
    most = sums.filter(all_refused__gt=0).order_by("-all_refused", "client__name")[:limit]
    return [
        {"uid": str(row["client__uid"]), "name": row["client__name"],
         "refused": row["all_refused"], "issued": row["all_issued"]}
        for row in most
    ]  # fmt: skip


def of_totals(by_day: Mapping[str, list[int]], now: datetime) -> dict[str, object]:
    """Return the chart of what `totals` returned."""
    sums = {
        date.fromisoformat(day): {"issued": issued, "refused": refused} for day, (issued, refused) in by_day.items()
    }
    return _drawn(sums, now)


def of_each(clients: Iterable[Client], now: datetime) -> dict[int, dict[str, object]]:
    """Return the chart of each client that has one, by its primary key; one query."""
    days: dict[int, dict[date, dict[str, Any]]] = defaultdict(dict)
    for row in _sums(UsageDay.objects.filter(client__in=clients), now, "client_id", "day"):
        days[row["client_id"]][row["day"]] = row
    return {client: _drawn(sums, now) for client, sums in days.items()}


def _chart(counted: QuerySet[UsageDay], now: datetime) -> dict[str, Any]:
    return _drawn({row["day"]: row for row in _sums(counted, now, "day")}, now)


def _sums(counted: QuerySet[UsageDay], now: datetime, *by: str) -> QuerySet[UsageDay, dict[str, Any]]:
    recent = counted.filter(day__gt=now.date() - timedelta(days=DAYS)).order_by().values(*by)
    sums: QuerySet[UsageDay, dict[str, Any]] = recent.annotate(issued=Sum("issued"), refused=Sum("refused"))
    return sums


def _drawn(sums: Mapping[date, Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    """Return values for the chart component: `days`, oldest first, `ticks` of its axis, and the totals."""
    none = {"issued": 0, "refused": 0}
    last = [now.date() - timedelta(days=n) for n in reversed(range(DAYS))]
    days: list[dict[str, Any]] = [
        {
            **none,
            **sums.get(day, {}),
            "day": day,
            "is_today": day == now.date(),
            "is_labelled": (now.date() - day).days % 7 == 0,
        }
        for day in last
    ]
    issued, refused = sum(day["issued"] for day in days), sum(day["refused"] for day in days)
    return {
        "days": days,
        "ticks": axis(max(day["issued"] + day["refused"] for day in days)),
        "issued": issued,
        "refused": refused,
        "refused_percent": 100 * refused / (issued + refused) if refused else 0.0,
    }
