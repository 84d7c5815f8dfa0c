"""The mail that tells contacts that a failure of an hour or more has stopped: once, and only when it is proven."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from clients.mail.rendering import render
from clients.models import Client, Mail
from portal.flows import stopped_failures
from tests.support import factories
from tests.support.factories import NOW
from tokens.models import JournalEntry, RefusalCount, Token

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def refused(client: Client, *, began: datetime, last: datetime, count: int = 20, rule: str = "audience") -> None:
    """As the authorization server writes it: counts by the hour, and an entry of the last request."""
    hour = began.replace(minute=0)
    while hour <= last:
        first_at, last_at = max(began, hour), min(last, hour + 59 * MINUTE)
        RefusalCount.objects.create(
            client=client, hour=hour, rule=rule, error="invalid_client", refused=count, first_at=first_at,
            last_at=last_at,
        )  # fmt: skip
        hour += HOUR
    JournalEntry.objects.create(
        client=client, at=last, request_id="r-1", why="7d1c88f041b2", endpoint="token", status=400, rule=rule,
        error="invalid_client", facts={"sent": "x"}, address="192.0.2.1",
    )  # fmt: skip


def succeeds(client: Client, at: datetime, credential: str = "key:1") -> None:
    Token.objects.create(
        digest=at.isoformat().encode()[-32:], client=client, epoch=client.epoch, scope="address.read", issued_at=at,
        expires_at=at + HOUR, credential=credential, address="192.0.2.1",
    )  # fmt: skip


def mails() -> list[Mail]:
    return list(Mail.objects.filter(kind=Mail.Kind.FAILURE_STOPPED))


def test_a_failure_of_two_hours_that_has_stopped_is_told_once(made) -> None:
    refused(made, began=NOW - 3 * HOUR, last=NOW - HOUR)
    for minutes in (40, 30, 20):
        succeeds(made, NOW - minutes * MINUTE)
    assert stopped_failures.tell(now=NOW) == 1
    assert stopped_failures.tell(now=NOW + 5 * MINUTE) == 0
    (mail,) = mails()
    text = " ".join(render(mail, now=NOW).body.split())
    assert render(mail, now=NOW).subject == f"{made.name}: refused requests work again"
    assert f"requests of {made.name} were refused with invalid_client." in text
    assert "The first was on 24 November 2026, 07:30:00 CET, the last on 24 November 2026, 09:30:00 CET." in text
    assert "the same way of authenticating got 3 tokens" in text
    assert "/why/7d1c88f041b2" in text


@pytest.mark.parametrize(
    ("began", "last", "credential"),
    [
        (NOW - HOUR - 10 * MINUTE, NOW - 30 * MINUTE, "key:1"),  # 40 minutes
        (NOW - 3 * HOUR, NOW - HOUR, "secret:1"),  # another way of authenticating proves nothing
        (NOW - 3 * HOUR, NOW - 5 * MINUTE, "key:1"),  # a moment ago: it may go on
        (NOW - 12 * HOUR, NOW - 8 * HOUR, "key:1"),  # long ago
    ],
)
def test_what_was_short_or_is_not_proven_to_have_stopped_is_not_told(made, began, last, credential) -> None:
    refused(made, began=began, last=last)
    succeeds(made, NOW - 2 * MINUTE, credential)
    assert stopped_failures.tell(now=NOW) == 0
    assert not mails()


def test_two_short_failures_with_a_long_pause_are_not_one_long_one(made) -> None:
    refused(made, began=NOW - 5 * HOUR, last=NOW - 5 * HOUR + 20 * MINUTE)
    refused(made, began=NOW - HOUR, last=NOW - 40 * MINUTE)
    succeeds(made, NOW - 20 * MINUTE)
    assert stopped_failures.tell(now=NOW) == 0


def test_a_failure_that_comes_back_is_told_again(made) -> None:
    refused(made, began=NOW - 3 * HOUR, last=NOW - HOUR)
    succeeds(made, NOW - 20 * MINUTE)
    assert stopped_failures.tell(now=NOW) == 1
    refused(made, began=NOW + HOUR, last=NOW + 3 * HOUR)
    succeeds(made, NOW + 4 * HOUR)
    assert stopped_failures.tell(now=NOW + 4 * HOUR + MINUTE) == 1


def test_each_contact_of_the_client_is_told_and_nobody_else(made) -> None:
    other, _secret = factories.client(contact=factories.wim())
    refused(made, began=NOW - 3 * HOUR, last=NOW - HOUR)
    succeeds(made, NOW - 20 * MINUTE)
    stopped_failures.tell(now=NOW)
    assert [mail.to for mail in mails()] == [factories.lotte().email]
    assert all(mail.client_id != other.pk for mail in mails())
