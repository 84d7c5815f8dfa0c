"""Times and spans in words, in the reader's time zone and language. Filters of every template."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy, pgettext


@dataclass(frozen=True)
class Unit:
    """A unit of a span, used while the span is shorter than `below`."""

    size: timedelta
    below: timedelta
    alone: Any
    past: Any
    future: Any


# Whole phrases and not "%s ago" around a unit, because German and others decline the unit after a preposition.
UNITS = (
    Unit(
        timedelta(minutes=1),
        timedelta(hours=1),
        ngettext_lazy("%(n)s minute", "%(n)s minutes", "n"),
        ngettext_lazy("%(n)s minute ago", "%(n)s minutes ago", "n"),
        ngettext_lazy("in %(n)s minute", "in %(n)s minutes", "n"),
    ),
    Unit(
        timedelta(hours=1),
        timedelta(days=2),
        ngettext_lazy("%(n)s hour", "%(n)s hours", "n"),
        ngettext_lazy("%(n)s hour ago", "%(n)s hours ago", "n"),
        ngettext_lazy("in %(n)s hour", "in %(n)s hours", "n"),
    ),
    Unit(
        timedelta(days=1),
        timedelta(days=60),
        ngettext_lazy("%(n)s day", "%(n)s days", "n"),
        ngettext_lazy("%(n)s day ago", "%(n)s days ago", "n"),
        ngettext_lazy("in %(n)s day", "in %(n)s days", "n"),
    ),
    Unit(
        timedelta(days=30),
        timedelta(days=730),
        ngettext_lazy("%(n)s month", "%(n)s months", "n"),
        ngettext_lazy("%(n)s month ago", "%(n)s months ago", "n"),
        ngettext_lazy("in %(n)s month", "in %(n)s months", "n"),
    ),
    Unit(
        timedelta(days=365),
        timedelta.max,
        ngettext_lazy("%(n)s year", "%(n)s years", "n"),
        ngettext_lazy("%(n)s year ago", "%(n)s years ago", "n"),
        ngettext_lazy("in %(n)s year", "in %(n)s years", "n"),
    ),
)


def day(value: date | None) -> str:
    """Format a date as 6 December 2026."""
    if not value:
        return ""
    local = _local(value) if isinstance(value, datetime) else value
    # Translators: a date as "6 December 2026", in the letters of Django's date filter.
    letters = pgettext("date format", "j F Y")
    if local.day == 1:
        # Translators: the same for the first of a month, which French writes as "1er décembre 2026".
        letters = pgettext("date format, first of a month", "j F Y")
    return format_date(local, letters)


def short_day(value: date) -> str:
    """Format a date as 6 Dec, for an axis."""
    # Translators: a date as "6 Dec", in the letters of Django's date filter.
    letters = pgettext("date format", "j M")
    if value.day == 1:
        # Translators: the same for the first of a month, which French writes as "1er déc."
        letters = pgettext("date format, first of a month", "j M")
    return format_date(value, letters)


def weekday(value: datetime) -> str:
    """Format the day of the week as Wed."""
    # Translators: a day of the week as "Wed", in the letters of Django's date filter.
    return format_date(_local(value), pgettext("date format", "D"))


def clock(value: datetime | None) -> str:
    """Format a time as 15:41."""
    # Translators: a time as "15:41", in the letters of Django's date filter.
    return format_date(_local(value), pgettext("time format", "H:i")) if value else ""


def moment(value: datetime | None) -> str:
    """Format a moment as 6 December 2026, 10:14."""
    # Translators: a date and a time as "6 December 2026, 10:14".
    return _("%(day)s, %(time)s") % {"day": day(value), "time": clock(value)} if value else ""


def days_left(value: datetime | None, now: datetime | None = None) -> int:
    """Return the calendar days in the reader's zone from now until `value`: 0 is today, negative is past."""
    return (_local(value).date() - _local(now or timezone.now()).date()).days if value else 0


def ago(value: datetime | None, now: datetime | None = None) -> str:
    """Format a time as "3 minutes ago"; a future one as "in 57 minutes", none as "never"."""
    if not value:
        return _("never")
    passed = (now or timezone.now()) - value
    unit, count = _rounded(abs(passed))
    if not count:
        return _("just now")
    return str((unit.past if passed > timedelta(0) else unit.future) % {"n": count})


def span(value: datetime | timedelta | None, now: datetime | None = None) -> str:
    """Format as "9 days" how long ago (or ahead) a time is, or how long a timedelta is."""
    if value is None:
        return ""
    length = value if isinstance(value, timedelta) else abs((now or timezone.now()) - value)
    unit, count = _rounded(length)
    return str(unit.alone % {"n": count}) if count else _("less than a minute")


def precise(value: datetime | None) -> str:
    """Format a moment as 6 December 2026, 10:14:05 CET, for comparison with another one."""
    if not value:
        return ""
    local = _local(value)
    # Translators: a time as "15:41:07", in the letters of Django's date filter.
    time, name = format_date(local, pgettext("time format", "H:i:s")), local.strftime("%Z")
    zone_name = f"UTC{name}" if name[:1] in ("+", "-") else name
    # Translators: a date, a time and its zone as "6 December 2026, 10:14:05 CET".
    return _("%(day)s, %(time)s %(zone)s") % {"day": day(local), "time": time, "zone": zone_name}


MAX_SPAN_S = 10**12  # what callers sent may be any number; a timedelta holds not much more


def exactly(seconds: float) -> str:
    """Format a difference as "23 hours 59 minutes", in its two largest units."""
    whole = min(round(abs(seconds)), MAX_SPAN_S)
    if whole < 60:
        return ngettext("%(n)s second", "%(n)s seconds", whole) % {"n": whole}
    unit, count = _rounded(timedelta(seconds=whole))
    rest = whole - int(count * unit.size.total_seconds())
    smaller = [other for other in UNITS if other.size < unit.size and other.size.total_seconds() <= rest]
    first = str(unit.alone % {"n": count})
    if smaller:
        second = smaller[-1]
        return f"{first} {second.alone % {'n': int(rest // second.size.total_seconds())}}"
    if unit is UNITS[0] and rest:
        return f"{first} {ngettext('%(n)s second', '%(n)s seconds', rest) % {'n': rest}}"
    return first


def zone(now: datetime | None = None) -> str:
    """Return the zone of every time on the page, as Europe/Brussels (UTC+01:00)."""
    local = _local(now or timezone.now())
    name, offset = timezone.get_current_timezone_name(), local.strftime("%:z")
    return name if name in ("UTC", "Etc/UTC") else f"{name} (UTC{offset})"


def _rounded(length: timedelta) -> tuple[Unit, int]:
    unit = next(unit for unit in UNITS if length < unit.below)
    return unit, length // unit.size


def _local(value: datetime) -> datetime:
    try:
        return timezone.localtime(value) if timezone.is_aware(value) else value
    except OverflowError:  # a certificate without an end says 9999-12-31 23:59:59 (RFC 5280 section 4.1.2.5)
        return value
