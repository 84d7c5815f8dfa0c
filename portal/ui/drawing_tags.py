"""Template tags that draw icons, time lines, charts, scales (portal/ui/svg.py). Built in: pages need no `load`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.template import Library
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.ui import svg
from portal.ui.client_page.time_line import Line
from portal.ui.dates import ago, clock, day, days_left, moment, precise, short_day, span, weekday, zone
from portal.ui.template_tags import number

register = Library()

SPARK_HEIGHT = 24  # pixels, as of a line of text
RISKS = {"low": 1, "medium": 2, "high": 3}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    return svg.icon(name, css)


@register.simple_tag
def timeline(start_at: datetime, end_at: datetime | None, now: datetime, state: str, label: str = "") -> SafeString:
    """Draw the validity of a key, certificate or secret; without `label` it tells how many days are left.

    Without an end the line is open, and today is in the middle of it.
    """
    if end_at is None:
        description = _("Valid from %(start)s, with no end date.") % {"start": day(start_at)}
        return svg.timeline(50, state="open", label=label or _("Today"), description=description)
    left = days_left(end_at, now)
    if not label:
        days = ngettext("%(n)s day left", "%(n)s days left", left) % {"n": left}
        label = _("Today, %(days_left)s") % {"days_left": days} if left > 0 else _("Today")
    description = _("Valid from %(start)s to %(end)s. %(label)s.") % {
        "start": day(start_at),
        "end": moment(end_at),
        "label": label,
    }
    passed = svg.percent_passed(start_at, end_at, now)
    return svg.timeline(passed, state=state, label=label, description=description)


@register.simple_tag
def lifeline(line: Line) -> SafeString:
    """Draw the time line of a credential; one without an end is drawn open."""
    end = _("until %(moment)s") % {"moment": moment(line.end_at)} if line.end_at else _("no end date")
    description = _("%(name)s: %(end)s") % {"name": line.name, "end": end}
    state = line.state if line.end_at else "open"
    return svg.lifeline(line.start, line.end, line.now, state=state, description=description)


@register.simple_tag
def spark(series: Sequence[Mapping[str, int]]) -> SafeString:
    """Draw the bars of `series`: one mapping a day with `issued` and `refused`, oldest first."""
    issued, refused = [item["issued"] for item in series], [item["refused"] for item in series]
    description = _("%(days)s days: %(issued)s tokens issued, %(refused)s requests refused.") % {
        "days": len(series), "issued": number(sum(issued)), "refused": number(sum(refused)),
    }  # fmt: skip
    return svg.spark(issued, refused, description=description, height=SPARK_HEIGHT)


@register.simple_tag
def chart_grid(ticks: Sequence[int]) -> SafeString:
    """Draw the axis of components/chart.html."""
    return svg.chart_grid([number(tick) for tick in ticks])


@register.simple_tag
def day_column(day: Mapping[str, int], ticks: Sequence[int]) -> SafeString:
    """Draw a day of components/chart.html, as portal.ui.usage_chart has it."""
    issued, refused = day["issued"], day["refused"]
    return svg.day_column(issued, refused, ticks[0], label=number(refused), is_open=bool(day["is_today"]))


@register.simple_tag
def hour_bars(refused: Sequence[int], now: datetime) -> SafeString:
    """Draw the number `refused` in each of the last hours, the present one last."""
    started = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=len(refused) - 1)
    description = ngettext(
        "Bar chart: %(n)s request refused in %(hours)s hours, at most %(most)s in one.",
        "Bar chart: %(n)s requests refused in %(hours)s hours, at most %(most)s in one.",
        sum(refused),
    ) % {"n": number(sum(refused)), "hours": len(refused), "most": number(max(refused, default=0))}
    end = _("%(time)s, now") % {"time": clock(now)}
    return svg.hour_bars(refused, start=moment(started), end=end, description=description)


@register.simple_tag
def offset_scale(offset: float, allowed: float) -> SafeString:
    """Draw how far the reader's clock is from ours, in seconds; positive is ahead."""
    numbers = {"offset": f"{offset:+.0f}", "allowed": f"{allowed:.0f}"}
    description = _("Your clock is %(offset)s seconds from ours; we accept up to %(allowed)s either way.") % numbers
    label = _("You: %(offset)s s") % numbers
    return svg.offset_scale(offset, allowed=allowed, label=label, description=description)


@register.simple_tag
def risk(level: str, label: str = "") -> SafeString:
    """Draw a risk; `level` is low, medium or high."""
    words = {"low": _("Low risk"), "medium": _("Medium risk"), "high": _("High risk")}
    return svg.risk(RISKS[level], label or words[level])


@register.simple_tag
def share_bar(part: float, whole: float) -> SafeString:
    return svg.share_bar(100 * part / whole if whole else 0)


@register.simple_tag
def parts_bar(parts: Sequence[Mapping[str, Any]], height: int = 10) -> SafeString:
    """Draw parts of a whole: mappings with state, label, count and percent."""
    colours = {"info": "next"}
    shares = [(colours.get(part["state"], part["state"]), part["percent"]) for part in parts]
    counts = (_("%(name)s: %(value)s") % {"name": part["label"], "value": number(part["count"])} for part in parts)
    return svg.parts_bar(shares, description=", ".join(counts), height=height)


# --- Times, numbers and texts ---------------------------------------------------------------------------------------
for _filter in (day, short_day, clock, moment, precise, days_left, ago, span, weekday):
    register.filter(_filter.__name__, _filter)
register.simple_tag(zone, name="time_zone")
