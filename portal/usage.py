"""Tokens issued and requests refused per day, as the charts show them. Days are UTC days, as they are counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum

from clients.models import Client
from tokens.models import UsageDay

DAYS = 30


def of_client(client: Client, now: datetime) -> dict[str, object]:
    return _chart(UsageDay.objects.filter(client=client), now)


def of_all(now: datetime) -> dict[str, object]:
    return _chart(UsageDay.objects.all(), now)


def _chart(counted: QuerySet[UsageDay], now: datetime) -> dict[str, object]:
    """For the spark component: `days`, oldest first, and the totals."""
    today = now.date()
    recent = counted.filter(day__gt=today - timedelta(days=DAYS)).values("day")
    sums = {row["day"]: row for row in recent.annotate(issued=Sum("issued"), refused=Sum("refused"))}
    none = {"issued": 0, "refused": 0}
    last = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    days: list[dict[str, Any]] = [{**none, **sums.get(day, {}), "day": day} for day in last]
    return {
        "days": days,
        "issued": sum(day["issued"] for day in days),
        "refused": sum(day["refused"] for day in days),
    }
