"""The pages of a long queue: one order and one count over all of them, and back to the page one came from."""

import pytest
from django.urls import reverse

from portal.pages.review import queue
from tests.portal.pages.review.test_queue import DAY, URL, answer, asked_again, names, page
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import noor

pytestmark = pytest.mark.django_db


def test_a_long_queue_has_pages_in_the_order_of_the_view(now, monkeypatch) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)
    for days in (1, 3, 2):
        factories.submitted_request(now - days * DAY, client_name=f"From {days} days ago")
    asked_again(now, client_name="Asked")
    assert names() == ["From 3 days ago", "From 2 days ago"]
    assert names("page=2") == ["From 1 days ago", "Asked"]
    assert names("page=99") == names("page=2"), "the last one for a page that is not there"
    first, second = answer(), answer("page=2")
    assert "1 to 2 of 4" in first.content.decode()
    counted = {group["name"]: group["count"] for shown in (first, second) for group in shown.context["groups"]}
    assert sum(counted.values()) == 4, "a group that goes on has the same number on both pages"
    for shown in (first, second):
        assert [tab["count"] for tab in shown.context["views"]] == [4, 0, 0, 4, 0]
        assert shown.context["figures"]["waiting"] == 3


def test_filters_and_order_are_kept_from_page_to_page(now, monkeypatch) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    for name in ("One", "Two"):
        factories.submitted_request(now, client_name=name)
    assert 'href="?page=2&amp;who=nobody&amp;sort=name"' in page("who=nobody&sort=name")
    assert names("who=nobody&sort=name&page=2") == ["Two"]
    assert answer("who=nobody&page=2").context["view"].query == "?who=nobody", "a saved view has no page"


def test_one_takes_a_request_of_the_second_page_and_comes_back_to_it(now, monkeypatch) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    _first, second = (factories.submitted_request(now + n * DAY / 24) for n in range(2))
    browser = signed_in(noor())
    assert '<input type="hidden" name="page" value="2">' in page("page=2")
    form = {"claim": "take:", "view": "sort=sent", "page": "2"}
    answered = browser.post(reverse("security:claim", args=[second.uid]), form)
    assert answered.url == f"{reverse(URL)}?sort=sent&page=2#request-{second.pk}"
    bulk = browser.post(reverse("security:bulk"), {"do": "take", "view": "", "page": "2"})
    assert bulk.url == f"{reverse(URL)}?page=2"


def test_the_request_of_the_next_page_follows_the_last_of_a_page(now, monkeypatch) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    first, second = (factories.submitted_request(now + n * DAY / 24) for n in range(2))
    shown = signed_in(noor()).get(reverse("security:review", args=[first.uid])).context
    assert (shown["before"], shown["after"].registration) == (None, second)
