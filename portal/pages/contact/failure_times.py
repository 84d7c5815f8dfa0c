"""Refused HTTP requests in each hour or day of a period, for contact/time_line.html."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Sum

from portal.ui.dates import clock, day, moment, short_day
from portal.ui.svg import axis
from tokens.models import RefusalCountQuerySet

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAX_HOURS = 25  # a longer period is drawn in days
LABELLED = {HOUR: 6, DAY: 7}  # every how many columns the axis has a label
ROW = 13  # columns of a row on a phone (portal/theme/_chart.scss); each row has an axis


def time_line(counts: RefusalCountQuerySet, since: datetime, until: datetime, now: datetime) -> dict[str, Any]:
    """Return the columns of the period from `since` to `until`, the latest last, and the figures of the axis.

    Hours and days begin in UTC, as they are counted; hours are named in the reader's time zone.
    """
    step = HOUR if until - since <= MAX_HOURS * HOUR else DAY
    start = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [start + number * step for number in range(-(-(until - start) // step))]
    refused = dict.fromkeys(starts, 0)
    for hour, number in counts.order_by().values_list("hour").annotate(Sum("refused")):
        refused[start + (hour - start) // step * step] += number
    is_dense = len(starts) <= LABELLED[step]  # every column has a label
    every = 1 if is_dense else LABELLED[step]
    columns = [
        _column(at, refused[at], step, now) | {"is_labelled": (len(starts) - 1 - place) % every == 0}
        for place, at in enumerate(starts)
    ]
    return {
        "columns": columns,
        "rows": range(-(-len(columns) // ROW)),
        "ticks": axis(max(refused.values())),
        "refused": sum(refused.values()),
        "is_dense": is_dense,
        "has_days": step == DAY,
    }


def _column(at: datetime, refused: int, step: timedelta, now: datetime) -> dict[str, Any]:
    is_hour = step == HOUR
    return {
        "issued": 0, "refused": refused, "is_today": at <= now < at + step,
        "words": moment(at) if is_hour else day(at.date()),
        "label": clock(at) if is_hour else short_day(at.date()),
        "query": f"hour={at:%Y-%m-%dT%H}" if is_hour else f"day={at:%Y-%m-%d}",
    }  # fmt: skip
