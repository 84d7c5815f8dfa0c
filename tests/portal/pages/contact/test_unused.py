"""Unused clients on the pages: a contact keeps or reactivates one, the Security team lists them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.acts import lifecycle
from clients.models import Client
from portal.ui.dates import day
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import by, lotte, noor
from tokens.acts.uses import unused_clients
from tokens.models import CredentialUse

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
KEEP, UNDO = "contact:keep_unused", "contact:undo_unused"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def told(now: datetime) -> Client:
    """A client whose contacts were mailed a day ago."""
    made, _secret = factories.client(now=now - 181 * DAY)
    unused_clients.settle(now=now - DAY)
    made.refresh_from_db()
    return made


@pytest.fixture
def suspended(now: datetime) -> Client:
    """A client that the rule suspended a day ago."""
    made, _secret = factories.client(now=now - 211 * DAY)
    for days in (31, 1):
        unused_clients.settle(now=now - days * DAY)
    made.refresh_from_db()
    return made


def page(client: Client) -> str:
    return browsers.of(lotte()).get(reverse("contact:client", args=[client.uid])).content.decode()


def press(name: str, client: Client) -> str:
    answer = browsers.of(lotte()).post(reverse(name, args=[client.uid]), follow=True)
    client.refresh_from_db()
    return answer.content.decode()


def listed(state: str) -> str:
    return signed_in(noor()).get(reverse("security:clients"), {"state": state}).content.decode()


def exported(state: str) -> str:
    return b"".join(signed_in(noor()).post(f"{reverse('security:export_clients')}?state={state}")).decode()


def test_one_click_keeps_a_client_that_is_to_be_suspended(told) -> None:
    assert reverse(KEEP, args=[told.uid]) in page(told)
    assert "The client stays active." in press(KEEP, told)
    assert reverse(KEEP, args=[told.uid]) not in page(told)
    assert "Someone else changed the client just before you" in press(KEEP, told)


def test_nothing_is_offered_once_the_client_is_used_again(told, now) -> None:
    CredentialUse.objects.create(credential="key:1", client=told, last_used_at=now, uses=1)
    assert reverse(KEEP, args=[told.uid]) not in page(told)


def test_one_click_reactivates_a_client_that_was_suspended_as_unused(suspended) -> None:
    assert reverse(UNDO, args=[suspended.uid]) in page(suspended)
    press(UNDO, suspended)
    assert suspended.is_active


def test_a_contact_cannot_undo_a_suspension_by_the_security_team(told, now) -> None:
    lifecycle.suspend(client=told, reason="leak", by=by(noor()), now=now)
    assert reverse(UNDO, args=[told.uid]) not in page(told)
    assert "Only the Security team can reactivate this client now." in press(UNDO, told)
    assert not told.is_active


def test_the_home_of_its_contact_and_the_dashboard_of_the_team_tell_of_it(told, now) -> None:
    home, dashboard = reverse("contact:clients"), reverse("security:dashboard")
    day_of_it = day(told.unused_told_at + 30 * DAY)
    assert f"It is suspended on {day_of_it}, because nobody uses it" in browsers.of(lotte()).get(home).text
    assert f"to be suspended on {day_of_it}" in browsers.of(lotte()).get(home).text
    assert "1 unused client is to be suspended" in signed_in(noor()).get(dashboard).text
    CredentialUse.objects.create(credential="key:1", client=told, last_used_at=now, uses=1)
    assert "because nobody uses it" not in browsers.of(lotte()).get(home).text
    assert "unused client" not in signed_in(noor()).get(dashboard).text


def test_the_security_team_lists_and_exports_unused_clients(told, suspended, now) -> None:
    other, _secret = factories.client(now=now)
    lifecycle.suspend(client=other, reason="leak", by=by(noor()), now=now)
    for state, found in (("unused", told), ("suspended_unused", suspended)):
        for text in (listed(state), exported(state)):
            assert [client for client in (told, suspended, other) if client.name in text] == [found]
