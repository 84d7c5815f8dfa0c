"""The pictures are drawn from numbers on the server, safe under a strict CSP and in every language."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from portal import drawing

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=100)
DRAWINGS = {
    "icon": lambda text: drawing.icon("warn", text),
    "timeline": lambda text: drawing.timeline(33.333, state="ok", label=text, description=text),
    "lifeline": lambda text: drawing.lifeline(10, 66.667, 33.333, state="ok", description=text),
    "offset_scale": lambda text: drawing.offset_scale(192.5, allowed=60, label=text, description=text),
    "spark": lambda text: drawing.spark([1, 2, 3], [0, 1, 0], description=text),
    "risk": lambda text: drawing.risk(2, text),
    "share_bar": lambda text: drawing.share_bar(33.333),
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
    assert drawing.percent_passed(START, END, now) == expected


def test_a_period_without_length_has_passed():
    assert drawing.percent_passed(START, START, START) == 100


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
    drawn = drawing.timeline(96.7, state="warn", label="Today, 12 days left", description="12 days left")
    assert '<rect class="kd-line-now" x="96.7%"' in drawn
    assert 'text-anchor="end"' in drawn  # a label near the right end must not run out of the picture
    assert 'class="kd-line-left--warn"' in drawn
    assert 'aria-label="12 days left"' in drawn


def test_one_refusal_among_thousands_of_tokens_can_be_seen():
    drawn = drawing.spark([50_000, 50_000], [1, 900], description="")
    heights = [int(height) for height in re.findall(r'kd-spark__bad"[^>]* height="(\d+)"', drawn)]
    assert len(heights) == 2
    assert min(heights) >= 4


def test_a_day_without_refusals_has_no_mark_below_the_axis():
    assert "kd-spark__bad" not in drawing.spark([5, 6], [0, 0], description="")


def test_an_empty_month_is_an_empty_picture_and_no_error():
    assert "kd-spark__axis" in drawing.spark([], [], description="")
    assert "kd-spark__ok" not in drawing.spark([0] * 30, [0] * 30, description="")


@pytest.mark.parametrize("offset", [-86400, -300, -61, 0, 59, 192, 86400])
def test_a_clock_is_always_on_the_scale_and_red_beyond_what_we_accept(offset):
    drawn = drawing.offset_scale(offset, allowed=60, label="", description="")
    state, position = re.search(r'kd-line-left--(\w+)" x="([\d.]+)%" y="18"', drawn).groups()
    assert 0 <= float(position) <= 100
    assert state == ("ok" if abs(offset) <= 60 else "bad")
    assert (float(position) > 50) == (offset > 0)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_risk_fills_as_many_blocks_as_its_level_and_says_it_in_words(level):
    drawn = drawing.risk(level, "Some risk")
    assert drawn.count(f'class="on-{level}"') == level
    assert drawn.endswith("Some risk</span>")
