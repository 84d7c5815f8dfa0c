"""Small pictures as inline SVG, computed on the server.

The content security policy forbids style attributes, so positions and sizes are SVG percentages: no viewBox, so that
texts in the picture do not scale. Every function takes numbers and short texts, which are escaped.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, count

import qrcode
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

# Strokes on a 24 x 24 grid; `.kd-icon` gives width and colour.
ICONS = {
    "bad": '<circle cx="12" cy="12" r="9"/><path d="m9 9 6 6M15 9l-6 6"/>',
    "bulb": '<path d="M9 17.5h6M10 21h4M8.5 17.5c0-3-2.5-4-2.5-7.5a6 6 0 0 1 12 0c0 3.5-2.5 4.5-2.5 7.5"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>',
    "close": '<path d="M6 6l12 12M18 6 6 18"/>',
    "copy": '<rect x="9" y="9" width="11" height="12" rx="2"/><path d="M5.5 15H5a1 1 0 0 1-1-1V5a2 2 0 0 1 2-2h8a1 1'
    ' 0 0 1 1 1v1.5"/>',
    "done": '<path d="m4.5 12.5 5 5 10-11"/>',
    "dots": '<path d="M5.5 12h.01M12 12h.01M18.5 12h.01"/>',
    "down": '<path d="m6 9.5 6 6 6-6"/>',
    "download": '<path d="M12 4v11M7 10.5l5 5 5-5M4 20h16"/>',
    "file": '<path d="M6 3h8l4 4v14H6V3Z"/><path d="M14 3v4h4M9 12h6M9 16h6"/>',
    "globe": '<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c5.5 5 5.5 13 0 18M12 3c-5.5 5-5.5 13 0 18"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5M12 7.8v.1"/>',
    "key": '<circle cx="8" cy="14.5" r="4.5"/><path d="m11.5 11.5 8-8M16 7l3 3M13.5 9.5l2 2"/>',
    "list": '<path d="M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01"/>',
    "mail": '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m3.5 7 8.5 6.5L20.5 7"/>',
    "ok": '<circle cx="12" cy="12" r="9"/><path d="m8 12.2 2.8 2.8L16 9.6"/>',
    "people": '<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.8a3.5 3.5 0 0 1 0 6.4M18'
    ' 14.5c2 .8 3.2 2.6 3.5 5.5"/>',
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5c.6-4 3.5-6 7.5-6s6.9 2 7.5 6"/>',
    "refresh": '<path d="M20 11a8 8 0 0 0-14-4.5L4 9M4 4v5h5M4 13a8 8 0 0 0 14 4.5l2-2.5M20 20v-5h-5"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "shield": '<path d="M12 3 4.5 6v6c0 4.5 3 7.5 7.5 9 4.5-1.5 7.5-4.5 7.5-9V6L12 3Z"/>'
    '<path d="m8.5 12 2.5 2.5 4.5-4.8"/>',
    "stop": '<circle cx="12" cy="12" r="9"/><path d="M9 9h6v6H9z"/>',
    "warn": '<path d="M12 3.5 2.5 20h19L12 3.5Z"/><path d="M12 10v4.5M12 17.2v.1"/>',
}

CHART_HEIGHT = 133  # pixels


def icon(name: str, css: str = "") -> SafeString:
    """Draw a decorative icon, hidden from screen readers. `name`: a key of ICONS, else KeyError."""
    strokes = mark_safe(ICONS[name])  # noqa: S308  (a constant of this module)
    return format_html(
        '<svg class="kd-icon {}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', css, strokes
    )


def percent_passed(start_at: datetime, end_at: datetime, now: datetime) -> float:
    """Return how much of the period has passed at `now`, from 0 to 100."""
    if end_at <= start_at:
        return 100.0
    return min(100.0, max(0.0, 100 * (now - start_at) / (end_at - start_at)))


def timeline(passed: float, *, state: str, label: str, description: str) -> SafeString:
    """Draw a validity line: the part used, the rest in the colour of `state` (ok, warn, bad, next), a mark for today.

    `passed` is a percentage; `label` stands above the mark; `description` says the same in words.
    """
    anchor = "end" if passed > 80 else "start" if passed < 20 else "middle"
    return format_html(
        '<svg role="img" aria-label="{description}" height="44" width="100%">'
        '<rect class="kd-line-track" x="0" y="24" width="100%" height="10" rx="5"/>'
        '<rect class="kd-line-left--{state}" x="0" y="24" width="100%" height="10" rx="5"/>'
        '<rect class="kd-line-used" x="0" y="24" width="{x}%" height="10" rx="5"/>'
        '<rect class="kd-line-now" x="{x}%" y="18" width="2" height="22"/>'
        '<text class="kd-line-text" x="{x}%" dx="{dx}" y="12" text-anchor="{anchor}">{label}</text></svg>',
        description=description,
        state=state,
        x=_number(passed),
        dx=2 if passed > 60 else 0,
        anchor=anchor,
        label=label,
    )


def lifeline(start: float, end: float, now: float, *, state: str, description: str) -> SafeString:
    """Draw one of several periods on the same scale, in percent; like `timeline`, without words in the picture."""
    return format_html(
        '<svg role="img" aria-label="{description}" height="24" width="100%">'
        '<rect class="kd-line-track" x="0" y="8" width="100%" height="8" rx="4"/>'
        '<rect class="kd-line-left--{state}" x="{start}%" y="8" width="{length}%" height="8" rx="4"/>'
        '<rect class="kd-line-used" x="{start}%" y="8" width="{used}%" height="8" rx="4"/>'
        '<rect class="kd-line-now" x="{now}%" y="2" width="2" height="20"/></svg>',
        description=description,
        state=state,
        start=_number(start),
        length=_number(max(0.0, end - start)),
        used=_number(max(0.0, min(now, end) - start)),
        now=_number(now),
    )


def offset_scale(offset: float, *, allowed: float, label: str, description: str) -> SafeString:
    """Draw a clock's offset from ours on a scale around zero, with the accepted band (all in seconds)."""
    span = 1.25 * max(abs(offset), 2 * allowed, 1.0)
    here, half = 50 + 50 * offset / span, 50 * allowed / span
    return format_html(
        '<svg role="img" aria-label="{description}" height="44" width="100%">'
        '<rect class="kd-line-track" x="0" y="24" width="100%" height="10" rx="5"/>'
        '<rect class="kd-line-left--ok" x="{left}%" y="24" width="{width}%" height="10"/>'
        '<rect class="kd-line-left--{state}" x="{x}%" y="18" width="3" height="22"/>'
        '<text class="kd-line-text" x="{x}%" y="12" text-anchor="{anchor}">{label}</text></svg>',
        description=description,
        left=_number(50 - half),
        width=_number(2 * half),
        state="ok" if abs(offset) <= allowed else "bad",
        x=_number(here),
        anchor="end" if here > 75 else "start" if here < 25 else "middle",
        label=label,
    )


def axis(most: int) -> list[int]:
    """Return the figures of an axis from its top down to 0: at most four steps of 1, 2 or 5 times a power of ten."""
    steps = (digit * 10**zeros for zeros in count() for digit in (1, 2, 5))
    step = next(step for step in steps if 4 * step >= most)
    return [step * line for line in range(max(1, -(-most // step)), -1, -1)]


def chart_grid(labels: Sequence[str]) -> SafeString:
    """Draw the axis of a chart: a line and its figure for each of `labels`, evenly from the top down."""
    steps = max(1, len(labels) - 1)
    lines = format_html_join(
        "",
        '<line x1="38" x2="100%" y1="{0}" y2="{0}"/><text x="32" y="{1}" text-anchor="end">{2}</text>',
        (
            (_number(CHART_HEIGHT * place / steps), _number(CHART_HEIGHT * place / steps + 4), label)
            for place, label in enumerate(labels)
        ),
    )
    return format_html('<svg class="kd-chart__grid" aria-hidden="true" focusable="false">{}</svg>', lines)


def day_column(issued: int, refused: int, top: int, *, label: str, is_open: bool) -> SafeString:
    """Draw a day of a chart: refused above issued, on one scale, at least 3 pixels high and with its number.

    `is_open`: the day is not over yet, so its column is only outlined.
    """
    of_issued, of_refused = _heights(issued, refused, top, CHART_HEIGHT)
    kind = "kd-chart__ok kd-chart__ok--now" if is_open else "kd-chart__ok"
    columns = format_html_join(
        "",
        '<rect class="{}" x="20%" y="{}" width="60%" height="{}"/>',
        (
            (css, CHART_HEIGHT - bottom - height, height)
            for css, bottom, height in ((kind, 0, of_issued), ("kd-chart__bad", of_issued, of_refused))
            if height
        ),
    )
    number = format_html(
        '<text class="kd-chart__n" x="50%" y="{}" text-anchor="middle">{}</text>',
        CHART_HEIGHT - of_issued - of_refused - 4,
        label,
    )
    return format_html(
        '<svg aria-hidden="true" focusable="false">{}{}</svg>', columns, number if refused else SafeString("")
    )


def spark(issued: Sequence[int], refused: Sequence[int], *, description: str, height: int) -> SafeString:
    """Draw a chart of days without words: refused above issued, every day with any count visible."""
    step, top = 100 / max(len(issued), 1), max([1, *map(sum, zip(issued, refused, strict=True))])
    drawn = []
    for day, counts in enumerate(zip(issued, refused, strict=True)):
        of_issued, of_refused = _heights(*counts, top, height)
        x, width = _number((day + 0.22) * step), _number(0.56 * step)
        drawn += [
            ("ok", x, height - of_issued, width, of_issued),
            ("bad", x, height - of_issued - of_refused, width, of_refused),
        ]
    bars = format_html_join(
        "", '<rect class="kd-spark__{}" x="{}%" y="{}" width="{}%" height="{}"/>', (bar for bar in drawn if bar[-1])
    )
    return format_html(
        '<svg role="img" aria-label="{}" height="{}" width="100%">{}'
        '<rect class="kd-spark__axis" x="0" y="{}" width="100%" height="1"/></svg>',
        description,
        height + 1,
        bars,
        height,
    )


def _heights(issued: int, refused: int, top: int, height: int) -> tuple[int, int]:
    """Return the pixels of both parts of a column: at least three for a count above 0, at most `height` in all."""
    of_refused = max(3, round(height * refused / top)) if refused else 0
    of_issued = max(1, round(height * issued / top)) if issued else 0
    return min(of_issued, height - of_refused), of_refused


def hour_bars(refused: Sequence[int], *, start: str, end: str, description: str) -> SafeString:
    """Draw the refusals of each hour on one scale; `start` and `end` stand under the axis."""
    step, most = 100 / max(len(refused), 1), max([1, *refused])
    bars = format_html_join(
        "",
        '<rect class="kd-since__bad" x="{}%" y="{}" width="{}%" height="{}"/>',
        (
            (_number((hour + 0.14) * step), 24 - height, _number(0.72 * step), height)
            for hour, count in enumerate(refused)
            if (height := max(3, round(24 * count / most)) if count else 0)
        ),
    )
    return format_html(
        '<svg role="img" aria-label="{}" width="100%" height="44">{}'
        '<rect class="kd-since__axis" y="24" width="100%" height="1"/>'
        '<text x="0" y="38">{}</text><text x="100%" y="38" text-anchor="end">{}</text></svg>',
        description,
        bars,
        start,
        end,
    )


def risk(level: int, label: str) -> SafeString:
    """Draw three rising blocks of which `level` (1 to 3) are filled, with the word beside it."""
    blocks = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="7" height="{}" rx="1"/>',
        ((f"on-{level}" if block < level else "", block * 10, 8 - block * 4, 6 + block * 4) for block in range(3)),
    )
    return format_html(
        '<span class="kd-risk"><svg viewBox="0 0 28 14" aria-hidden="true" focusable="false">{}</svg>{}</span>',
        blocks,
        label,
    )


def share_bar(share: float) -> SafeString:
    """Draw a horizontal bar of `share` percent, for a table column that also has the number."""
    return format_html(
        '<svg class="kd-share" aria-hidden="true" focusable="false" height="10" width="100%">'
        '<rect class="kd-line-track" width="100%" height="10" rx="2"/>'
        '<rect class="kd-spark__ok" width="{}%" height="10" rx="2"/></svg>',
        _number(min(100.0, max(0.0, share))),
    )


def parts_bar(parts: Sequence[tuple[str, float]], *, description: str, height: int) -> SafeString:
    """Draw shares of a whole side by side: (state, percent), where `state` is ok, warn, bad, next or mute."""
    ends = accumulate(percent for _state, percent in parts)
    drawn = format_html_join(
        "",
        '<rect class="kd-line-left--{}" x="{}%" width="{}%" height="{}"/>',
        (
            (state, _number(end - percent), _number(percent), height)
            for (state, percent), end in zip(parts, ends, strict=True)
            if percent
        ),
    )
    return format_html(
        '<svg class="kd-share" role="img" aria-label="{}" height="{}" width="100%">'
        '<rect class="kd-line-track" width="100%" height="{}"/>{}</svg>',
        description,
        height,
        height,
        drawn,
    )


def qr_code(text: str, *, label: str) -> SafeString:
    """Draw a QR code, black on white in every colour scheme, with the quiet zone of four modules that scanners need."""
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=4)
    code.add_data(text)
    rows = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return format_html(
        '<svg role="img" aria-label="{0}" viewBox="0 0 {1} {1}" width="232" height="232" shape-rendering="crispEdges">'
        '<path fill="#fff" d="M0 0h{1}v{1}H0z"/><path fill="#000" d="{2}"/></svg>',
        label,
        len(rows),
        path,
    )


def _number(value: float) -> str:
    """Format with two decimals and a point, in every language, for an SVG attribute."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
