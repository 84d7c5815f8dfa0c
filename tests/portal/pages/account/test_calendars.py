"""The calendar of a contact: an address that shows when keys, secrets and trusts end, and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from audit.actions import Action
from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import keys
from clients.acts.people import contacts
from clients.authentication import contact_accounts
from clients.models import CalendarFeed, Client, ClientContact, ContactAccount, Secret, Trust, User
from tests.portal.support import browsers
from tests.portal.support.browsers import confirmed, queries
from tests.support import factories
from tests.support.factories import by, noor, wim
from tests.support.keys import certificate, public_key

pytestmark = pytest.mark.django_db

HERE = "/calendar/"
NOW = datetime.now(UTC)


def make(browser: Browser) -> str:
    """The path of the address that the page shows after the step-up."""
    return path_on(confirmed(browser, HERE))


def path_on(page: HttpResponse) -> str:
    address = re.search(r'>(http[^"<]+\.ics)</textarea>', page.text)
    assert address, page.text
    return address[1].removeprefix(settings.PUBLIC_URL)


def events(path: str) -> list[Any]:
    answer = Browser().get(path)
    assert answer.status_code == 200
    return Calendar.from_ical(answer.content).events


@pytest.fixture
def mine(lotte: User) -> Client:
    """A client of Lotte's with a secret, a certificate, a bare key and a trust; each ends at a time of its own."""
    now = timezone.now()
    made, _secret = factories.client(contact=lotte, now=now)
    keys.add(client=made, key=certificate(), by=by(lotte), now=now)
    trust = factories.trust(made, now=now)
    Trust.objects.filter(pk=trust.pk).update(expires_at=now + timedelta(days=90))
    return made


def test_each_end_of_a_credential_is_an_event(lotte: User, mine: Client) -> None:
    rows = [mine.secrets.get(), mine.keys.get(), mine.trusts.get()]
    shown = {event["uid"]: event for event in events(make(browsers.of(lotte)))}
    assert len(shown) == 3
    for row in rows:
        assert row.end_at is not None
        event = shown[f"{row.uid}@testserver"]
        assert event.start == row.end_at.replace(microsecond=0)
        assert mine.name in event["summary"]
        assert event["url"] == settings.PUBLIC_URL + reverse("contact:credentials", args=[mine.uid])
        assert event["transp"] == "TRANSPARENT"
    assert mine.keys.get().kid in shown[f"{mine.keys.get().uid}@testserver"]["description"]


def test_what_ended_or_has_no_end_or_is_of_others_is_no_event(lotte: User, mine: Client) -> None:
    path, now = make(browsers.of(lotte)), timezone.now()
    factories.client(contact=wim(), now=now)
    mine.trusts.update(expires_at=None)
    mine.keys.update(not_after=now - timedelta(days=1))
    (event,) = events(path)
    assert event["uid"] == f"{mine.secrets.get().uid}@testserver"
    Client.objects.filter(pk=mine.pk).update(secret_allowed=False)
    assert not events(path)


def test_an_event_keeps_its_uid_when_its_end_moves(lotte: User, mine: Client) -> None:
    path = make(browsers.of(lotte))
    before = {event["uid"]: event.start for event in events(path)}
    sooner = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    Secret.objects.update(ends_at=sooner)
    after = {event["uid"]: event.start for event in events(path)}
    assert before.keys() == after.keys()
    assert after[f"{mine.secrets.get().uid}@testserver"] == sooner


def test_the_events_speak_the_language_of_their_reader(lotte: User, mine: Client) -> None:
    Client.objects.filter(pk=mine.pk).update(name="Meters, " + "é" * 90)
    path, english = make(browsers.of(lotte)), "a client secret stops working"
    assert any(english in event["summary"] for event in events(path))
    User.objects.filter(pk=lotte.pk).update(language="nl")
    texts = [event["summary"] for event in events(path)]
    assert all(text.startswith("Meters, " + "é" * 90) for text in texts)  # folded and escaped, and read back whole
    assert not any(english in text for text in texts)


def test_the_file_has_no_secret_and_short_lines(lotte: User, mine: Client) -> None:
    answer = Browser().get(make(browsers.of(lotte)))
    assert b"kds_" not in answer.content
    assert bytes(mine.secrets.get().digest).hex() not in answer.text
    assert answer.content.endswith(b"END:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))  # octets, RFC 5545 section 3.1


def test_the_answer_is_for_its_reader_alone_and_sets_no_cookie(lotte: User, mine: Client) -> None:
    path = make(browsers.of(lotte))
    answer = Browser().get(path)
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "private, max-age=3600"
    assert not answer.cookies
    again = Browser().get(path, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    mine.keys.update(retires_at=timezone.now())
    assert Browser().get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 200


def test_the_address_is_shown_once_and_is_nowhere_at_rest(lotte: User, caplog: pytest.LogCaptureFixture) -> None:
    browser = browsers.of(lotte)
    assert ".ics" not in browser.get(HERE).text
    token = make(browser).removeprefix(HERE).removesuffix(".ics")
    assert len(token) == 43  # 256 bits, base64url
    assert token not in browser.get(HERE).text
    assert token not in str(browser.session.items())
    with connection.cursor() as cursor:
        for table in ("clients_calendarfeed", "audit_entry", "clients_mail"):
            cursor.execute(f"SELECT string_agg(row::text, '') FROM {table} row")
            assert token not in (cursor.fetchone()[0] or "")
    assert token not in caplog.text


def test_making_one_asks_for_a_code_each_time(lotte: User) -> None:
    browser = browsers.of(lotte)
    make(browser)
    assert browsers.is_asked(browser.post(HERE))
    assert Entry.objects.filter(action=Action.CALENDAR_MADE).count() == 1


def gone(path: str) -> bool:
    """Return whether an unknown address gets the same answer, but for the address and the request's number."""
    found = set()
    for address in (path, HERE + "x" * 43 + ".ics"):
        answer = Browser().get(address)
        text = answer.text.replace(address, HERE).replace(answer["X-Request-Id"], "")
        found.add((answer.status_code, re.sub(r'csrfmiddlewaretoken" value="\w+"', "", text)))
    return len(found) == 1 and found.pop()[0] == 404


def test_a_new_address_ends_the_one_before(lotte: User) -> None:
    browser = browsers.of(lotte)
    old = make(browser)
    new = make(browser)
    assert gone(old)
    assert not gone(new)
    entries = Entry.objects.filter(action=Action.CALENDAR_MADE)
    assert {entry.subject_id for entry in entries} == {lotte.audit_id}
    assert entries.count() == 2


def test_it_is_switched_off_without_a_code(lotte: User) -> None:
    path = make(browsers.of(lotte))
    browser = browsers.of(lotte, stepped_up=False)
    for _time in range(2):  # the second finds nothing to do
        assert browser.post(HERE, {"end": ""})["Location"] == HERE
    assert gone(path)
    assert Entry.objects.filter(action=Action.CALENDAR_ENDED).count() == 1


def test_it_ends_with_the_last_client(lotte: User, mine: Client) -> None:
    """Not before; and a client that comes later does not bring it back."""
    other, _secret = factories.client(contact=wim())
    contacts.add(client=other, email=lotte.email, name="Lotte", role=ClientContact.Role.EDITOR, by=by(wim()), now=NOW)
    path = make(browsers.of(lotte))
    lifecycle.close(client=mine, reason="Over", by=by(noor()), now=NOW)
    assert not gone(path)
    contacts.remove(contact=other.contacts.get(user=lotte), by=by(wim()), now=NOW)
    assert gone(path)
    factories.client(contact=lotte)
    assert gone(path)


def test_closing_the_last_client_ends_it(lotte: User, mine: Client) -> None:
    path = make(browsers.of(lotte))
    lifecycle.close(client=mine, reason="Over", by=by(noor()), now=NOW)
    assert gone(path)
    assert not CalendarFeed.objects.exists()


def test_it_ends_with_a_lost_account(lotte: User, mine: Client) -> None:
    """The Security team unbinds it: the address may have been made by whoever had the account."""
    path = make(browsers.of(lotte))
    account = {"issuer": "https://login.example", "subject": "lotte", "bound_at": NOW, "used_at": NOW}
    ContactAccount.objects.create(user=lotte, **account)
    contact_accounts.unbind(user=lotte, by=by(noor()), now=NOW, reason="Lost")
    assert gone(path)


@pytest.mark.parametrize("changed", [{"is_active": False}, {"role": User.Role.AUDITOR}])
def test_who_is_out_or_becomes_staff_has_no_calendar(lotte: User, mine: Client, changed: dict[str, Any]) -> None:
    path = make(browsers.of(lotte))
    User.objects.filter(pk=lotte.pk).update(**changed)
    assert gone(path)


def test_a_network_that_tries_addresses_is_stopped(
    lotte: User, mine: Client, settings: Any, in_one_window: Any
) -> None:
    settings.FAILURE_RATE_LIMIT = 2
    tried = [Browser().get(HERE + "x" * 43 + ".ics") for _time in range(3)]
    assert [answer.status_code for answer in tried] == [404, 404, 429]
    assert tried[2]["Retry-After"] == "60"
    assert Browser().get(make(browsers.of(lotte))).status_code == 200  # who has an address, behind the same proxy


def test_the_file_takes_as_many_queries_for_many_ends(lotte: User, mine: Client) -> None:
    path, browser = make(browsers.of(lotte)), Browser()
    few = queries(browser, path)
    for _number in range(3):
        other, _secret = factories.client(contact=lotte)
        keys.add(client=other, key=public_key(), by=by(lotte), now=timezone.now())
        factories.trust(other)
    assert len(events(path)) > 6
    assert queries(browser, path) == few


def test_the_page_says_what_comes_next(lotte: User, mine: Client) -> None:
    page = " ".join(browsers.of(lotte).get(HERE).text.split())
    assert f"It shows 3 ends. The next: {mine.name} on" in page
