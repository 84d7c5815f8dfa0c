"""The pictures are drawn from numbers on the server, safe under a strict CSP and in every language."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.utils import translation

from portal.ui import svg

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=100)
DRAWINGS = {
    "icon": lambda text: svg.icon("warn", text),
    "timeline": lambda text: svg.timeline(33.333, state="ok", label=text, description=text),
    "lifeline": lambda text: svg.lifeline(10, 66.667, 33.333, state="ok", description=text),
    "offset_scale": lambda text: svg.offset_scale(192.5, allowed=60, label=text, description=text),
    "spark": lambda text: svg.spark([1, 2, 3], [0, 1, 0], description=text, height=56),
    "chart_grid": lambda text: svg.chart_grid([text, text]),
    "day_column": lambda text: svg.day_column(3, 1, 7, label=text, is_open=False),
    "hour_bars": lambda text: svg.hour_bars([1, 0, 7], start=text, end=text, description=text),
    "risk": lambda text: svg.risk(2, text),
    "share_bar": lambda text: svg.share_bar(33.333),
}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START - timedelta(days=1), 0),
        (START, 0),
        (START + timedelta(days=25), 25),
        (END, 100),
        (END + timedelta(days=999), 100),
    ],
)
def test_the_passed_part_of_a_period_stays_between_nothing_and_all(now, expected):
    assert svg.percent_passed(START, END, now) == expected


def test_a_period_without_length_has_passed():
    assert svg.percent_passed(START, START, START) == 100


@pytest.mark.parametrize("name", DRAWINGS)
def test_texts_in_a_drawing_are_escaped(name):
    drawn = DRAWINGS[name]('"><script>alert(1)</script>')
    assert "<script>" not in drawn


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
def test_numbers_in_a_drawing_keep_their_point_in_every_language(name, language):
    with translation.override(language):
        drawn = DRAWINGS[name]("x")
    assert not re.search(r'="-?\d+,\d', drawn)


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_drawing_needs_a_style_attribute(name):
    assert "style=" not in DRAWINGS[name]("x")


def test_the_mark_for_today_stands_where_the_period_has_come_to():
    drawn = svg.timeline(96.7, state="warn", label="Today, 12 days left", description="12 days left")
    assert '<rect class="kd-line-now" x="96.7%"' in drawn
    assert 'text-anchor="end"' in drawn  # a label near the right end must not run out of the picture
    assert 'class="kd-line-left--warn"' in drawn
    assert 'aria-label="12 days left"' in drawn


def heights(drawn: str, css: str) -> list[int]:
    return [int(height) for height in re.findall(rf'{css}"[^>]* height="(\d+)"', drawn)]


def test_issued_and_refused_are_drawn_on_one_scale():
    """On two scales 27 issued beside 29 refused looked like 627 beside 69."""
    assert heights(svg.spark([28], [28], description="", height=56), "kd-spark__ok") == heights(
        svg.spark([28], [28], description="", height=56), "kd-spark__bad"
    )
    drawn = svg.spark([627], [69], description="", height=56)
    assert heights(drawn, "kd-spark__bad")[0] < heights(drawn, "kd-spark__ok")[0] / 8
    column = svg.day_column(300, 100, 400, label="100", is_open=False)
    assert heights(column, "kd-chart__bad")[0] == round(heights(column, "kd-chart__ok")[0] / 3)


def test_one_refusal_among_thousands_of_tokens_is_seen_with_its_number():
    drawn = svg.spark([50_000, 50_000], [1, 900], description="", height=56)
    assert min(heights(drawn, "kd-spark__bad")) >= 3
    column = svg.day_column(50_000, 1, 50_000, label="1", is_open=False)
    assert heights(column, "kd-chart__bad") == [3]
    assert ">1</text>" in column


def test_no_column_is_higher_than_its_picture():
    for issued, refused in ((0, 0), (1, 0), (0, 1), (50_000, 1), (1, 50_000), (50_000, 50_000)):
        column = svg.day_column(issued, refused, max(1, issued + refused), label="", is_open=False)
        parts = heights(column, "kd-chart__ok") + heights(column, "kd-chart__bad")
        assert sum(parts) <= svg.CHART_HEIGHT
        assert all(int(y) >= 0 for y in re.findall(r'<rect[^>]* y="(-?\d+)"', column))


def test_a_day_without_refusals_has_no_mark_and_no_number():
    assert "kd-spark__bad" not in svg.spark([5, 6], [0, 0], description="", height=56)
    assert "<text" not in svg.day_column(5, 0, 5, label="0", is_open=False)


def test_a_day_that_is_not_over_is_only_outlined():
    assert "kd-chart__ok--now" in svg.day_column(5, 0, 5, label="0", is_open=True)
    assert "kd-chart__ok--now" not in svg.day_column(5, 0, 5, label="0", is_open=False)


def test_an_empty_month_is_an_empty_picture_and_no_error():
    assert "kd-spark__axis" in svg.spark([], [], description="", height=56)
    assert "kd-spark__ok" not in svg.spark([0] * 30, [0] * 30, description="", height=56)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 5, 9, 27, 34, 69, 100, 627, 1429, 21_000, 10**9])
def test_an_axis_has_round_figures_and_room_for_the_highest(most):
    ticks = svg.axis(most)
    assert ticks[0] >= most
    assert ticks[-1] == 0
    assert 2 <= len(ticks) <= 5
    steps = {one - other for one, other in pairwise(ticks)}
    assert len(steps) == 1
    assert str(steps.pop()).rstrip("0") in ("1", "2", "5")


@pytest.mark.parametrize("offset", [-86400, -300, -61, 0, 59, 192, 86400])
def test_a_clock_is_always_on_the_scale_and_red_beyond_what_we_accept(offset):
    drawn = svg.offset_scale(offset, allowed=60, label="", description="")
    state, position = re.search(r'kd-line-left--(\w+)" x="([\d.]+)%" y="18"', drawn).groups()
    assert 0 <= float(position) <= 100
    assert state == ("ok" if abs(offset) <= 60 else "bad")
    assert (float(position) > 50) == (offset > 0)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_risk_fills_as_many_blocks_as_its_level_and_says_it_in_words(level):
    drawn = svg.risk(level, "Some risk")
    assert drawn.count(f'class="on-{level}"') == level
    assert drawn.endswith("Some risk</span>")


def test_a_qr_code_has_what_scanners_look_for():
    """Dark finder patterns in three corners and four light modules around (ISO/IEC 18004 sections 6.3.3 and 9.1)."""
    drawn = svg.qr_code("otpauth://totp/Keydesk:noor?secret=JBSWY3DPEHPK3PXP&issuer=Keydesk", label="<code>")
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', drawn)[1])
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn)}
    finder = {(x, y) for x in range(7) for y in range(7) if {x, y} & {0, 6} or {x, y} <= {2, 3, 4}}
    for left, top in ((4, 4), (size - 11, 4), (4, size - 11)):
        assert {(x - left, y - top) for x, y in dark if left <= x < left + 7 and top <= y < top + 7} == finder
    assert all(4 <= place < size - 4 for module in dark for place in module)
    assert drawn.startswith('<svg role="img" aria-label="&lt;code&gt;"')
