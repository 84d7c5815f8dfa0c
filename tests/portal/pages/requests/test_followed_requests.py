"""A request that was sent, as its contact follows it: messages, answers, withdrawal, and how long it takes."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from clients.acts import client_requests, review
from clients.mail.rendering import render
from clients.models import Mail, Registration
from clients.team import standing
from tests.portal.pages.requests.test_requests import FORM
from tests.portal.support import browsers
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_a_stranger_does_not_see_the_request() -> None:
    registration = factories.submitted_request()
    for name in ("contact:request", "contact:edit_request", "contact:withdraw_request"):
        assert browsers.of(factories.lotte()).get(reverse(name, args=[registration.uid])).status_code == 404


def test_a_message_to_the_security_team_stands_in_the_thread() -> None:
    registration = factories.submitted_request()
    browser = browsers.of(factories.wim())
    browser.post(reverse("contact:request", args=[registration.uid]), {"text": "It is for <b>payroll</b>."})
    text = browser.get(reverse("contact:request", args=[registration.uid])).content.decode()
    assert "It is for &lt;b&gt;payroll&lt;/b&gt;." in text


def test_a_message_about_a_request_decided_meanwhile_is_not_lost(now) -> None:
    registration = factories.submitted_request()
    page, browser = reverse("contact:request", args=[registration.uid]), browsers.of(factories.wim())
    review.reject(
        registration=registration, message="No.", seen=registration.content_hash, by=factories.by(factories.noor()),
        now=now,
    )  # fmt: skip
    answer = browser.post(page, {"text": "It is for payroll."})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "your message was not sent" in text
    assert ">\nIt is for payroll.</textarea>" in text
    assert "Send message" not in text
    assert registration.messages.get().text == "No."


def test_too_many_messages_are_refused_kindly_and_not_lost() -> None:
    registration = factories.submitted_request()
    page, browser = reverse("contact:request", args=[registration.uid]), browsers.of(factories.wim())
    for _time in range(client_requests.MESSAGES_PER_HOUR):
        browser.post(page, {"text": "Is it ready?"})
    answer = browser.post(page, {"text": "It is for payroll."})
    assert answer.status_code == 422
    assert "Wait a little" in answer.text
    assert ">\nIt is for payroll.</textarea>" in answer.text
    assert registration.messages.count() == client_requests.MESSAGES_PER_HOUR


def changes_asked(now) -> Registration:
    registration = factories.submitted_request()
    by = factories.by(factories.noor())
    review.request_changes(
        registration=registration, message="Why this scope?", seen=registration.content_hash, by=by, now=now
    )
    return registration


def test_the_answer_to_asked_changes_starts_from_what_was_sent(now) -> None:
    registration = changes_asked(now)
    browser = browsers.of(factories.wim())
    text = browser.get(reverse("contact:edit_request", args=[registration.uid])).content.decode()
    assert "Why this scope?" in text
    assert registration.purpose in text
    assert 'value="address.read" checked' in text
    browser.post(reverse("contact:edit_request", args=[registration.uid]), {**FORM, "purpose": "For payroll letters."})
    registration.refresh_from_db()
    assert registration.status == Registration.Status.SUBMITTED
    assert registration.purpose == "For payroll letters."


def test_withdrawing_asks_first_and_then_ends_it(now) -> None:
    registration = factories.submitted_request()
    browser = browsers.of(factories.wim())
    url = reverse("contact:withdraw_request", args=[registration.uid])
    assert "Withdraw the request?" in browser.get(url).content.decode()
    assert Registration.objects.get().status == Registration.Status.SUBMITTED
    browser.post(url)
    assert Registration.objects.get().status == Registration.Status.WITHDRAWN
    assert (
        "This request was withdrawn"
        in browser.get(reverse("contact:request", args=[registration.uid])).content.decode()
    )


def test_the_list_of_requests_takes_as_many_queries_for_ten_as_for_one() -> None:
    browser = browsers.of(factories.wim())
    factories.submitted_request()
    for_one = browsers.queries(browser, reverse("contact:requests"))
    for _more in range(9):
        factories.submitted_request()
    assert browsers.queries(browser, reverse("contact:requests")) == for_one


def decided(*, days: int, number: int = 0) -> None:
    """A request of Monday 09:00 that was rejected so many days later, an hour earlier."""
    monday = datetime(2026, 11, 16, 8, tzinfo=UTC)
    asked = factories.submitted_request(contact_email=f"c{days}{number}@example.org", now=monday)
    done = monday + timedelta(days=days, hours=-1)
    Registration.objects.filter(pk=asked.pk).update(status=Registration.Status.REJECTED, decided_at=done)


def shown(registration: Registration, now: datetime, kind: Mail.Kind = Mail.Kind.REQUEST_RECEIVED) -> list[str]:
    """The page of the request, the newest mail of the kind as text, and as HTML; each in one line."""
    page = browsers.of(registration.person).get(reverse("contact:request", args=[registration.uid])).text
    mail = render(Mail.objects.filter(kind=kind).latest("created_at", "pk"), now=now)
    return [" ".join(unescape(strip_tags(text)).split()) for text in (page, mail.body, mail.html)]


def test_the_usual_time_is_the_median_in_working_days_of_five_decisions_or_more() -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    mine = factories.submitted_request(now=now)
    for number in range(4):
        decided(days=1, number=number)
    assert standing.usual_days(now) is None
    assert not any("Usual time" in text for text in shown(mine, now))
    decided(days=7)
    assert standing.usual_days(now) == 1
    for number in range(1, 5):
        decided(days=7, number=number)
    assert standing.usual_days(now) == 5, "the weekend is no working time"
    for text in shown(mine, now):
        assert re.search(r"Usual time:? median 5 working days \(last 30 days\)", text)
        assert mine.number in text


def test_a_request_says_who_has_it_and_what_is_missing(now) -> None:
    scope = factories.scope("person.read", sensitive=True)
    mine = factories.submitted_request(now, scopes=(scope,))
    for text in shown(mine, now):
        assert re.search(r"It is with:? The Security team", text)
        assert re.search(r"Still missing:? Two approvals by the Security team, for sensitive data: person\.read", text)

    Registration.objects.filter(pk=mine.pk).update(endorsed_by=factories.noor(), endorsed_at=now)
    for text in shown(mine, now):
        assert re.search(r"It is with:? A second member of the Security team", text)
        assert re.search(r"Still missing:? The second of two approvals by the Security team", text)
        assert str(factories.noor()) not in text

    review.request_changes(
        registration=mine, message="Why?", seen=mine.content_hash, by=factories.by(factories.bram()), now=now
    )
    for text in shown(mine, now, Mail.Kind.CHANGES_REQUESTED):
        assert re.search(r"It is with:? You", text)
        assert re.search(r"Still missing:? Your answer to the question of the Security team", text)


def test_a_request_names_the_api_whose_owner_is_still_to_decide_and_never_the_owner(now) -> None:
    owner, scope = factories.api_owner(), factories.scope()
    mine = factories.submitted_request(now, scopes=(scope,))
    for text in shown(mine, now):
        assert f"The Security team, the owner of the API {scope.api}" in text
        assert f"The approval of the owner of the API {scope.api}" in text
        assert str(owner) not in text
    mine.asked.update(owner=owner, owner_approved=True, owner_decided_at=now)
    for text in shown(mine, now):
        assert "owner of the API" not in text
        assert "The decision of the Security team" in text


def test_a_decided_request_has_a_number_and_is_with_nobody(now) -> None:
    mine = factories.decided_request(now)
    for text in shown(mine, now, Mail.Kind.REQUEST_REJECTED):
        assert mine.number in text
        assert "Still missing" not in text
