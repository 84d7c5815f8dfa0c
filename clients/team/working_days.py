"""Working time: office hours of the days from Monday to Friday that are no holidays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

SATURDAY = 5


@dataclass(frozen=True)
class Calendar:
    opens: time
    closes: time
    holidays: frozenset[date]
    zone: tzinfo

    def is_working(self, day: date) -> bool:
        return day.weekday() < SATURDAY and day not in self.holidays

    @property
    def hours(self) -> timedelta:
        """The working time of one day."""
        return datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)

    def after(self, start: datetime, worked: timedelta) -> datetime:
        """Return the moment at which this much working time has passed since `start`."""
        for opens, closes in self._spans(start):
            begins = max(opens, start)
            if begins + worked <= closes:
                return begins + worked
            worked -= max(closes - begins, timedelta(0))
        raise AssertionError("days do not end")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from `start` until `end`."""
        passed = timedelta(0)
        for opens, closes in self._spans(start):
            if opens >= end:
                return passed
            passed += max(min(closes, end) - max(opens, start), timedelta(0))
        raise AssertionError("days do not end")

    def next_opening(self, now: datetime) -> datetime:
        """Return when the next working day begins after `now`."""
        return next(opens for opens, _closes in self._spans(now) if opens > now)

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the office hours of each working day, from that of `start` on."""
        day = start.astimezone(self.zone).date()
        while True:
            if self.is_working(day):
                yield (datetime.combine(day, self.opens, self.zone), datetime.combine(day, self.closes, self.zone))
            day += timedelta(days=1)
