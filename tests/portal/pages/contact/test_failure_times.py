"""When requests were refused: the time line of the failures page, in days and in hours, and its filter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.portal.pages.contact.test_failures import counted, page, refuse
from tests.portal.support import browsers
from tests.support import factories

pytestmark = pytest.mark.django_db


def columns(**query: object) -> list[dict[str, object]]:
    answer = browsers.of(factories.lotte()).get(reverse("contact:failures"), query)
    return answer.context["line"]["columns"]


def test_each_hour_of_the_last_day_is_a_column_and_a_link_to_it(made) -> None:
    refuse(made, "kid", ago=timedelta(hours=3))
    counted(made, "kid", 12, ago=timedelta(hours=3))
    counted(factories.client()[0], "audience", 1)
    hours = columns(days=1)
    assert len(hours) == 25
    (busy,) = (column for column in hours if column["refused"] == 12)
    assert sum(column["refused"] for column in hours) == 13
    text = page(days=1)
    assert "Days are counted in UTC." not in text
    assert f'href="?{busy["query"]}"' in text
    name, _, hour = str(busy["query"]).partition("=")
    of_the_hour = page(**{name: hour})
    assert "We do not know the key id" in of_the_hour
    assert "The aud of your client assertion" not in of_the_hour
    assert "The hour from " in of_the_hour
    assert [column["refused"] for column in columns(**{name: hour})].count(12) == 1  # its day, hour by hour


def test_a_longer_period_is_drawn_in_days_that_lead_to_their_hours(made) -> None:
    counted(made, "kid", 5, ago=timedelta(days=2))
    week = columns(days=7)
    assert "Days are counted in UTC." in page(days=7)
    assert len(week) == 7
    assert [column["refused"] for column in week][-3] == 5
    day = str(week[-3]["query"]).partition("=")[2]
    hours = columns(day=day)
    assert len(hours) == 24
    assert sum(column["refused"] for column in hours) == 5


@pytest.mark.parametrize("hour", ["x", "2026-12-01", "2026-12-01T99", "\x00"])
def test_an_hour_that_is_none_shows_the_usual_period(made, hour: str) -> None:
    refuse(made)
    assert "The aud of your client assertion" in page(hour=hour)
