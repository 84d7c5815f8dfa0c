"""The Security team's queue: what waits, how long, and what to know about it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clients.acts import client_requests, review
from clients.models import User
from portal.pages.review import queue
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def page(show: str = "all", by: User | None = None) -> str:
    return signed_in(by or factories.noor()).get(reverse("security:queue"), {"show": show}).content.decode()


def test_the_oldest_request_comes_first(now) -> None:
    factories.submitted_request(now - DAY, client_name="Younger")
    factories.submitted_request(now - 2 * DAY, client_name="Older")
    text = page()
    assert text.index("Older") < text.index("Younger")


def test_a_request_is_in_the_queue_once_its_address_is_confirmed(now) -> None:
    client_requests.submit(content=factories.content(client_name="Unseen"), language="en", by=factories.SYSTEM, now=now)
    assert "Unseen" not in page()
    assert "Nothing waits for you" in page()


def test_a_row_says_who_asks_for_what_and_what_is_worth_knowing(now) -> None:
    factories.submitted_request(now, contact_email="wim@gmail.com", scopes=(factories.scope("nrn", sensitive=True),))
    text = page()
    for words in (
        "Rekenhuis bv",
        "Wim Goossens &lt;wim@gmail.com&gt;",
        "nrn",
        "Asks for a sensitive scope",
        "Free-mail address",
        "High risk",
        "First review",
    ):
        assert words in text


def test_the_second_approval_is_shown_to_those_who_can_give_it(now) -> None:
    scope = factories.scope("nrn", sensitive=True)
    registration = factories.submitted_request(now, scopes=(scope,))
    review.approve(
        registration=registration, scopes=[scope], defaults=[], seen=registration.content_hash,
        by=factories.by(factories.bram()), now=now,
    )  # fmt: skip
    assert "Bram Wouters gave the first approval" in page("mine")
    assert "No requests here" in page("mine", by=factories.bram())
    assert "Loonverwerking-koppeling" in page("second", by=factories.bram())


def test_decided_requests_and_those_awaiting_the_contact_have_own_lists(now) -> None:
    registration = factories.submitted_request(now)
    noor = factories.by(factories.noor())
    review.request_changes(registration=registration, message="Why?", seen=registration.content_hash, by=noor, now=now)
    assert "Loonverwerking-koppeling" not in page()
    assert "Loonverwerking-koppeling" in page("contact")
    assert "Loonverwerking-koppeling" not in page("decided")


def test_decided_requests_are_paged_from_the_newest_on(now, monkeypatch) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    noor, browser = factories.by(factories.noor()), signed_in(factories.noor())
    for number in range(5):
        asked = factories.submitted_request(now, client_name=f"Request {number}")
        at = now + DAY * (number // 2)  # some were decided at the same moment
        review.reject(registration=asked, message="No", seen=asked.content_hash, by=noor, now=at)
    url, seen = f"{reverse('security:queue')}?show=decided", []
    while url:
        context = browser.get(url).context
        seen.append([row["client_name"] for row in context["rows"]])
        url = context["older_url"] and reverse("security:queue") + context["older_url"]
    assert seen == [["Request 4", "Request 3"], ["Request 2", "Request 1"], ["Request 0"]]


def test_a_long_queue_shows_the_oldest_and_says_how_many_there_are(now, monkeypatch) -> None:
    monkeypatch.setattr(queue, "MAX_WAITING", 2)
    for days in (1, 3, 2):
        factories.submitted_request(now - days * DAY, client_name=f"From {days} days ago")
    text = page()
    assert text.index("From 3 days ago") < text.index("From 2 days ago")
    assert "From 1 days ago" not in text
    assert "The oldest 2 of 3" in text


@pytest.mark.parametrize("person", [factories.ada, factories.lotte])
def test_the_queue_is_not_there_for_others(person) -> None:
    assert signed_in(person()).get(reverse("security:queue")).status_code == 404


def test_ten_requests_take_no_more_queries_than_one(now) -> None:
    browser, counts = signed_in(factories.noor()), []
    for more in (1, 9):
        for _number in range(more):
            factories.submitted_request(now)
        browser.get(reverse("security:queue"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("security:queue"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
