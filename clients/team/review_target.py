"""The target for requests: a number of working days, whose clock stops while the contact has to answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from clients.team.working_days import Calendar


def calendar() -> Calendar:
    """Return the calendar of this installation."""
    team = settings.TEAM
    return Calendar(team.opens, team.closes, team.holidays, ZoneInfo(settings.TIME_ZONE))


def target() -> timedelta:
    """Return the working time that the target allows."""
    days: int = settings.TEAM.review_target_days
    return calendar().hours * days


def due_at(submitted_at: datetime) -> datetime:
    """Return when a request that was sent then is due."""
    return calendar().after(submitted_at, target())


def part_used(submitted_at: datetime, now: datetime) -> float:
    """Return how much of the target has passed: 1.0 when the request is due or late."""
    return calendar().between(submitted_at, min(now, due_at(submitted_at))) / target()
