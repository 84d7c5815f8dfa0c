"""Working time: office hours, weekends, holidays, and the hour that a change of the clock adds."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from clients.team.working_days import Calendar

BRUSSELS = ZoneInfo("Europe/Brussels")
CALENDAR = Calendar(time(9), time(17), frozenset({date(2026, 12, 25)}), BRUSSELS)
HOUR = timedelta(hours=1)


def at(day: int, hour: int = 0, minute: int = 0, *, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BRUSSELS)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (at(1, 10), 3, at(1, 13)),  # within a Tuesday
        (at(1, 16), 2, at(2, 10)),  # over the night
        (at(4, 16), 2, at(7, 10)),  # over a weekend
        (at(24, 16), 2, at(28, 10)),  # over Christmas and a weekend
        (at(5, 12), 1, at(7, 10)),  # sent on a Saturday
        (at(1, 6), 8, at(1, 17)),  # sent before the office opens, due when it closes
        (at(1, 20), 1, at(2, 10)),  # sent in the evening
        (at(23, 12, month=10), 8, at(26, 12, month=10)),  # summer time ends on the Sunday between
    ],
)
def test_working_time_passes_in_office_hours_only(start: datetime, hours: int, end: datetime) -> None:
    assert CALENDAR.after(start, hours * HOUR) == end
    assert CALENDAR.between(start, end) == hours * HOUR


def test_no_time_passes_outside_office_hours() -> None:
    assert CALENDAR.between(at(4, 18), at(7, 8)) == timedelta(0)


def test_another_zone_means_the_same_moment() -> None:
    assert CALENDAR.after(datetime(2026, 12, 1, 15, tzinfo=UTC), 2 * HOUR) == at(2, 10)
