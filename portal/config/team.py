"""How the Security team works: its working days, and the target for requests."""

from dataclasses import dataclass
from datetime import date, time

from portal.config.environment import Environment


@dataclass(frozen=True)
class Team:
    review_target_days: int  # working days, from the request to the decision
    opens: time
    closes: time
    holidays: frozenset[date]


def team(env: Environment) -> Team:
    """Return the settings of the team. Raises ImproperlyConfigured."""
    opens, closes = env.get_value("WORKING_HOURS", cast=_hours, default="09:00-17:00", parse_default=True)
    return Team(
        review_target_days=env.int("REVIEW_TARGET_DAYS", default=5), opens=opens, closes=closes,
        holidays=env.get_value("HOLIDAYS", cast=_days, default="", parse_default=True),
    )  # fmt: skip


def _hours(text: str) -> tuple[time, time]:
    """Return when working days begin and end, from "09:00-17:00"."""
    opens, _dash, closes = text.partition("-")
    found = time.fromisoformat(opens), time.fromisoformat(closes)
    if found[0] >= found[1]:
        raise ValueError("give the beginning before the end, as in 09:00-17:00")
    return found


def _days(text: str) -> frozenset[date]:
    """Return the days of "2026-12-25,2027-01-01"."""
    return frozenset(date.fromisoformat(day.strip()) for day in text.split(",") if day.strip())
