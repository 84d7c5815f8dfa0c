"""The Security team's queue: what is due when, who has it, views, and several at once."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from audit.models import Entry
from clients.acts import client_requests, review
from clients.acts.team import claims
from clients.models import Registration, RegistrationMessage, SavedView, User
from portal.pages.review import past
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import bram, by, noor

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
URL = "security:queue"


@pytest.fixture(autouse=True)
def nobody_looks() -> None:
    cache.clear()


def answer(query: str = "", by: User | None = None):
    return signed_in(by or noor()).get(f"{reverse(URL)}?{query}")


def page(query: str = "", by: User | None = None) -> str:
    return answer(query, by).content.decode()


def names(query: str = "", by: User | None = None) -> list[str]:
    """Return the names in the order of the page."""
    groups = answer(query, by).context["groups"]
    return [line.registration.client_name for group in groups for line in group["lines"]]


def endorsed(now, **changes) -> Registration:
    """Return a request with a first approval by Bram."""
    scope = factories.scope("nrn", sensitive=True)
    registration = factories.submitted_request(now, scopes=(scope,), **changes)
    seen = registration.content_hash
    review.approve(registration=registration, scopes=[scope], defaults=[], seen=seen, by=by(bram()), now=now)
    return registration


def asked_again(now, **changes) -> Registration:
    registration = factories.submitted_request(now, **changes)
    seen = registration.content_hash
    review.request_changes(registration=registration, message="Why?", seen=seen, by=by(noor()), now=now)
    return registration


def test_what_is_due_first_is_on_top(now) -> None:
    factories.submitted_request(now - DAY, client_name="Younger")
    factories.submitted_request(now - 2 * DAY, client_name="Older")
    assert names() == ["Older", "Younger"]


def test_lines_are_grouped_by_when_they_are_due() -> None:
    """A Wednesday, five working days of 9 to 17 hours."""
    now = datetime.fromisoformat("2026-12-02T11:00:00+01:00")
    for sent, name in ((15, "Late"), (16, "Today"), (18, "This week"), (30, "Next week")):
        hour, month = (9, 11) if name == "Late" else (14, 11)
        at = datetime.fromisoformat(f"2026-{month}-{sent:02}T{hour:02}:00:00+01:00") + 9 * DAY * (name != "Next week")
        factories.submitted_request(at, client_name=name)
    asked_again(now - DAY, client_name="Asked")
    with time_machine.travel(now, tick=False):
        groups = {
            group["name"]: [x.registration.client_name for x in group["lines"]] for group in answer().context["groups"]
        }
    assert groups == {
        "Late": ["Late"], "Due today": ["Today"], "Due this week": ["This week"], "Due later": ["Next week"],
        "Clock stopped: waits for the contact": ["Asked"],
    }  # fmt: skip


def test_a_request_is_in_the_queue_once_its_address_is_confirmed(now) -> None:
    client_requests.submit(content=factories.content(client_name="Unseen"), language="en", by=factories.SYSTEM, now=now)
    assert "Unseen" not in page()
    assert "Nothing waits for you" in page()


def test_a_line_says_who_asks_for_what_and_the_worst_signal(now) -> None:
    factories.submitted_request(
        now, contact_email="wim@gmail.com", scopes=(factories.scope("nrn", sensitive=True), factories.scope("plain"))
    )
    text = page()
    for words in ("Rekenhuis bv", "nrn", "(sensitive)", "+1", "Free-mail address", "First"):
        assert words in text


def test_the_second_approval_is_a_view_of_those_who_can_give_it(now) -> None:
    endorsed(now)
    assert names("step=second") == ["Loonverwerking-koppeling"]
    assert names("step=second", by=bram()) == []
    assert names(by=bram()) == ["Loonverwerking-koppeling"]


def test_filters_and_order_are_in_the_address(now) -> None:
    endorsed(now, client_name="Sensitive")
    factories.submitted_request(
        now - DAY, client_name="Plain", scopes=(factories.scope("x.read", of=factories.api("x")),)
    )
    mine = factories.submitted_request(now - DAY, client_name="Another")
    claims.claim(registration=mine, by=by(noor()), now=now)
    assert names("sensitive=yes") == ["Sensitive"]
    assert names("api=x") == ["Plain"]
    assert names("who=me") == ["Another"]
    assert names("who=nobody&sort=name") == ["Plain", "Sensitive"]
    assert names("sort=name") == ["Another", "Plain", "Sensitive"]
    assert "No requests here" in page("who=me&step=second")


def test_a_person_saves_a_view_and_removes_it_again(now) -> None:
    factories.submitted_request(now)
    browser = signed_in(noor())
    saved = browser.post(reverse("security:save_view"), {"name": "Free ones", "view": "who=nobody&moon=1"})
    assert saved.url == f"{reverse(URL)}?who=nobody"
    text = browser.get(saved.url).content.decode()
    assert "Free ones" in text
    assert "Free ones" not in page(by=bram())
    view = SavedView.objects.get()
    assert signed_in(bram()).post(reverse("security:remove_view", args=[view.pk])).status_code == 404
    browser.post(reverse("security:remove_view", args=[view.pk]))
    assert not SavedView.objects.exists()


def test_a_view_without_a_name_leads_back_to_the_list_with_its_filters() -> None:
    answer = signed_in(noor()).post(reverse("security:save_view"), {"name": "", "view": "who=nobody&sort=name"})
    assert answer.status_code == 422
    assert f'class="govuk-back-link" href="{reverse(URL)}?who=nobody&amp;sort=name"' in answer.text


def test_one_takes_a_request_and_comes_back_to_its_line(now) -> None:
    asked, browser = factories.submitted_request(now), signed_in(noor())
    claim = reverse("security:claim", args=[asked.uid])
    answered = browser.post(claim, {"claim": "take:", "view": "sort=name"})
    assert answered.url == f"{reverse(URL)}?sort=name#request-{asked.pk}"
    assert names("who=me") == [asked.client_name]
    assert "Noor" in page(by=bram())
    browser.post(claim, {"claim": "release"})
    assert names("who=me") == []


def test_colleagues_see_who_looks_until_a_minute_without_a_sign(now) -> None:
    asked = factories.submitted_request(now)
    with time_machine.travel(now, tick=False) as clock:
        signed_in(noor()).get(reverse("security:looking", args=[asked.uid]))
        reader = signed_in(bram())
        assert "is looking" in reader.get(reverse(URL)).content.decode()
        assert reader.get(reverse("security:queue_looking")).json() == {str(asked.uid): f"{noor()} is looking"}
        assert (
            "is looking at this request, too"
            in reader.get(reverse("security:review", args=[asked.uid])).content.decode()
        )
        clock.shift(61)
        assert reader.get(reverse("security:queue_looking")).json() == {}


def test_a_changed_request_looks_different_from_one_that_is_shared(now) -> None:
    asked, reader = factories.submitted_request(now), signed_in(noor())
    opened = reader.get(reverse("security:review", args=[asked.uid])).context["tag"]
    looking = reverse("security:looking", args=[asked.uid])
    signed_in(bram()).get(looking)
    shared = reader.get(looking, {"seen": opened}).content.decode()
    assert "too" in shared
    assert "kd-presence--changed" not in shared
    review.reject(registration=asked, message="No", seen=asked.content_hash, by=by(bram()), now=now)
    changed = reader.get(looking, {"seen": opened}).content.decode()
    assert "kd-presence--changed" in changed
    assert "decided on this request meanwhile" in changed


def test_polling_does_not_keep_a_session_alive(now) -> None:
    asked = factories.submitted_request(now)
    with time_machine.travel(now, tick=False) as clock:
        browser = signed_in(noor())
        for _minute in range(61):
            clock.shift(61)
            last = browser.get(reverse("security:looking", args=[asked.uid]))
    assert last.status_code == 302


def selected(*found: Registration, **more: str) -> dict[str, object]:
    seen = {f"seen-{asked.uid}": asked.content_hash for asked in found}
    return {"request": [str(asked.uid) for asked in found], **seen, **more}


def test_several_are_shown_before_they_are_rejected_with_one_text(now) -> None:
    first, second = factories.submitted_request(now, client_name="One"), asked_again(now, client_name="Two")
    browser, url = signed_in(noor()), reverse("security:bulk")
    shown = browser.post(url, selected(first, second, do="reject")).content.decode()
    assert "Reject 2 requests" in shown
    assert "One" in shown
    assert "Two" in shown
    browser.post(url, selected(first, second, do="reject", message="No answer came."))
    for asked in (first, second):
        asked.refresh_from_db()
        assert asked.status == Registration.Status.REJECTED
    assert Entry.objects.filter(action="registration.rejected", note="No answer came.").count() == 2


def test_one_that_was_decided_meanwhile_is_told_and_the_others_are_done(now) -> None:
    first, second = factories.submitted_request(now, client_name="One"), factories.submitted_request(now)
    form = selected(first, second, do="ask", message="Why?")
    Registration.objects.filter(pk=first.pk).update(purpose="Another one")
    answered = signed_in(noor()).post(reverse("security:bulk"), form, follow=True).content.decode()
    assert "You asked about 1 request." in answered
    assert f"{first.number} One" in strip_tags(answered)
    assert RegistrationMessage.objects.get().registration == second


def test_a_first_approval_is_neither_completed_nor_undone_in_bulk(now) -> None:
    asked = endorsed(now)
    browser = signed_in(noor())
    browser.post(reverse("security:bulk"), selected(asked, do="approve", message="Yes"))
    left = browser.post(reverse("security:bulk"), selected(asked, do="ask", message="Why?"))
    asked.refresh_from_db()
    assert (asked.status, asked.endorsed_by) == (Registration.Status.SUBMITTED, bram())
    assert left.status_code == 302


def test_a_text_of_the_team_stands_in_the_message_in_the_contacts_language(now) -> None:
    text, asked = factories.reply_text(), factories.submitted_request(now)
    Registration.objects.filter(pk=asked.pk).update(language="nl")
    browser = signed_in(noor())
    assert text.name in browser.get(reverse("security:review", args=[asked.uid])).content.decode()
    form = browser.get(reverse("security:review", args=[asked.uid]), {"text": text.pk, "choose": "reject"}).context[
        "form"
    ]
    assert form["message"].value() == "Hiervoor is geen rechtsgrond."
    assert form["decision"].value() == "reject"
    bulk = browser.post(reverse("security:bulk"), selected(asked, do="reject", text=str(text.pk))).content.decode()
    assert "Hiervoor is geen rechtsgrond." in bulk


def test_the_next_request_of_the_view_follows_a_decision(now) -> None:
    first, second, third = (factories.submitted_request(now + n * DAY / 24, client_name=f"{n}") for n in range(3))
    browser = signed_in(noor())
    shown = browser.get(reverse("security:review", args=[second.uid]) + "?sort=name").context
    assert (shown["before"].registration, shown["after"].registration) == (first, third)
    form = {"seen": second.content_hash, "decision": "reject", "message": "No"}
    answered = browser.post(reverse("security:review", args=[second.uid]) + "?sort=name&choose=reject", form)
    assert answered.url == reverse("security:review", args=[third.uid]) + "?sort=name"


def test_decided_requests_have_a_list_and_those_awaiting_the_contact_a_group(now) -> None:
    asked_again(now)
    assert "Clock stopped" in page()
    assert "Loonverwerking-koppeling" not in page("show=decided")


def test_decided_requests_are_paged_from_the_newest_on(now, monkeypatch) -> None:
    monkeypatch.setattr(past, "PAGE_SIZE", 2)
    reviewer, browser = by(noor()), signed_in(noor())
    for number in range(5):
        asked = factories.submitted_request(now, client_name=f"Request {number}")
        at = now + DAY * (number // 2)  # some were decided at the same moment
        review.reject(registration=asked, message="No", seen=asked.content_hash, by=reviewer, now=at)
    url, seen = f"{reverse(URL)}?show=decided", []
    while url:
        context = browser.get(url).context
        seen.append([row["client_name"] for row in context["rows"]])
        url = context["older_url"] and reverse(URL) + context["older_url"]
    assert seen == [["Request 4", "Request 3"], ["Request 2", "Request 1"], ["Request 0"]]


def test_a_risk_filters_by_the_worst_signal(now) -> None:
    factories.submitted_request(now, client_name="Bad", scopes=(factories.scope("nrn", sensitive=True),))
    factories.submitted_request(now, client_name="Free", contact_email="wim@gmail.com")
    assert names("signal=bad") == ["Bad"]
    assert names("signal=warn") == ["Free"]


@pytest.mark.parametrize("person", [factories.ada, factories.lotte])
def test_the_queue_is_not_there_for_others(person) -> None:
    assert signed_in(person()).get(reverse(URL)).status_code == 404


def test_ten_requests_take_no_more_queries_than_one(now) -> None:
    browser, counts = signed_in(noor()), []
    for more in (1, 9):
        for _number in range(more):
            factories.submitted_request(now)
        browser.get(reverse(URL))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse(URL))
        counts.append(len(queries))
    assert counts[0] == counts[1]
