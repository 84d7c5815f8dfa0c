"""A request that was sent, as its contact follows it: messages, answers, withdrawal, and how long it takes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clients.acts import client_requests, review
from clients.mail.rendering import render
from clients.models import Mail, Registration
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


def test_who_asked_is_told_the_number_and_how_long_it_usually_takes() -> None:
    now = datetime.now(UTC)
    for days in (1, 3, 10):
        decided = factories.submitted_request(contact_email=f"c{days}@example.org", now=now - timedelta(days=11))
        Registration.objects.filter(pk=decided.pk).update(
            status=Registration.Status.REJECTED,
            submitted_at=now - timedelta(days=11),
            decided_at=now - timedelta(days=11) + timedelta(days=days, hours=-1),
        )
    assert Registration.objects.usual_days(now) == 3
    mine = factories.submitted_request(now=now)
    words = "The Security team usually decides within 3 days (median of the last 30 days)."
    page = browsers.of(mine.person).get(reverse("contact:request", args=[mine.uid])).content.decode()
    mail = Mail.objects.filter(kind=Mail.Kind.REQUEST_RECEIVED).latest("created_at")
    for text in (page, " ".join(render(mail, now=now).body.split())):
        assert words in text
        assert mine.number in text
    assert mine.number in render(mail, now=now).subject


def test_nothing_is_promised_before_anything_was_decided() -> None:
    mine = factories.submitted_request(now=datetime.now(UTC))
    page = browsers.of(mine.person).get(reverse("contact:request", args=[mine.uid])).content.decode()
    assert "usually decides" not in page
    assert mine.number in page
