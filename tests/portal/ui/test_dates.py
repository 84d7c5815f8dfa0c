"""Times, spans and texts as people read them."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.utils import timezone, translation
from django.utils.html import strip_tags
from hypothesis import given
from hypothesis import strategies as st

from portal.ui import dates, template_tags

NOW = datetime(2026, 11, 24, 14, 41, tzinfo=UTC)


def test_times_are_shown_in_the_readers_zone_and_language():
    with timezone.override("Europe/Brussels"):
        assert dates.moment(NOW) == "24 November 2026, 15:41"
    with timezone.override("America/New_York"):
        assert dates.moment(NOW) == "24 November 2026, 09:41"
    with translation.override("nl"):
        assert dates.day(NOW) == "24 november 2026"
        assert dates.moment(NOW) == "24 november 2026 om\xa015:41\xa0uur"
    with translation.override("de"):
        assert dates.moment(NOW) == "24. November 2026, 15:41\xa0Uhr"


def test_french_writes_the_first_of_a_month_as_an_ordinal():
    with translation.override("fr"):
        assert dates.day(NOW - timedelta(days=23)) == "1er novembre 2026"
        assert dates.moment(NOW) == "24 novembre 2026 à\xa015:41"
        assert dates.short_day(NOW - timedelta(days=23)) == "1er nov."


def test_french_and_german_end_a_shortened_month_with_a_full_stop():
    with translation.override("fr"):
        assert dates.short_day(NOW) == "24 nov."
        assert dates.weekday(NOW) == "mar."
    with translation.override("de"):
        assert dates.short_day(NOW) == "24. Nov."


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=57), "57 minutes ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=9), "9 days ago"),
        (timedelta(days=100), "3 months ago"),
        (timedelta(days=800), "2 years ago"),
        (-timedelta(minutes=57), "in 57 minutes"),
        (-timedelta(days=12), "in 12 days"),
    ],
)
def test_a_distance_in_time_is_one_round_unit(passed, words):
    assert dates.ago(NOW - passed, NOW) == words


def test_the_last_second_that_can_be_written_is_shown_as_it_is():
    """A certificate without an end has the date of RFC 5280 section 4.1.2.5, which overflows further east."""
    never = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    with timezone.override("Europe/Brussels"):
        assert dates.moment(never) == "31 December 9999, 23:59"
        assert dates.days_left(never, NOW) > 2_900_000


def test_no_time_at_all_is_never():
    assert dates.ago(None, NOW) == "never"
    assert dates.moment(None) == ""


def test_days_left_are_days_of_the_readers_calendar():
    with timezone.override("Europe/Brussels"):
        assert dates.days_left(datetime(2026, 12, 6, 9, 14, tzinfo=UTC), NOW) == 12
        assert dates.days_left(datetime(2026, 11, 24, 22, 59, tzinfo=UTC), NOW) == 0
        assert dates.days_left(datetime(2026, 11, 24, 23, 1, tzinfo=UTC), NOW) == 1
        assert dates.days_left(datetime(2026, 11, 22, 9, 0, tzinfo=UTC), NOW) == -2


def test_characters_that_could_deceive_are_shown_as_escapes():
    assert template_tags.visible("Joris\u202eXCOD\n\x1b[31m\u200b") == "Joris\\u202eXCOD\\n\\x1b[31m\\u200b"
    assert template_tags.visible("Zoë Łukasz 東京") == "Zoë Łukasz 東京"
    assert template_tags.visible("Fermer Kaartendienst\u00a0?") == "Fermer Kaartendienst\u00a0?"  # French, not deceit


def test_what_differs_from_what_we_expect_is_marked():
    sent, expected = "https://auth.example/oauth/v1/token", "https://auth.example/oauth/v2/token"
    assert template_tags.marked(sent, expected) == "https://auth.example/oauth/v<mark>1</mark>/token"
    assert template_tags.marked(expected, expected) == expected
    assert "<mark>" not in template_tags.marked("9a4c17e05bd2", "mX0Zl3b8kq5R")  # two unrelated values


@given(st.text(), st.text())
def test_marking_never_changes_a_text(sent, expected):
    shown = re.sub("</?mark>", "", template_tags.marked(sent, expected))
    assert unescape(shown) == template_tags.visible(sent)


@given(st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"])))
def test_colouring_never_changes_a_sample(code):
    assert unescape(re.sub(r"</?span[^>]*>", "", template_tags.highlight(code))) == unescape(code.replace("&", "&amp;"))


def test_strip_tags_of_a_highlighted_sample_is_the_sample():
    code = '# a comment\ncurl "https://auth.example/x" \\\n  -d a=b'
    html = template_tags.highlight(code)
    assert unescape(strip_tags(html)) == code
    assert '<span class="c"># a comment</span>' in html
    assert '<span class="s">&quot;https://auth.example/x&quot;</span>' in html
