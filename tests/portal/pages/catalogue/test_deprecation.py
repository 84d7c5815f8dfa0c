"""Deprecated scopes on the pages: of the team, of contacts, of the owners of APIs, and of the documentation."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts.scopes import deprecation
from clients.models import Client, Scope
from portal.pages.catalogue import deprecation as pages
from portal.ui.dates import day
from tests.portal.pages.review.test_proposals import decide, waits
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import SYSTEM, bram, elif_, lotte, noor
from tokens.models import ScopeUse

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
WHY = "Version 2 replaces it"


@pytest.fixture
def client() -> Client:
    return factories.client()[0]


@pytest.fixture
def successor() -> Scope:
    return factories.scope("address.read.v2")


@pytest.fixture
def scope(client: Client, successor: Scope) -> Scope:
    """The scope of Lotte's client, deprecated with 90 days to go."""
    found, now = factories.scope(), timezone.now()
    plan = deprecation.Plan(now + 90 * DAY, successor, WHY)
    deprecation.deprecate(scope=found, plan=plan, by=SYSTEM, now=now)
    return found


def words(html: str) -> str:
    """Return the text of a page, with single blanks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html.replace("<wbr>", ""))).split())


def page(name: str, *args: object, who: str = "team") -> str:
    readers = {"team": lambda: signed_in(noor()), "contact": lambda: browsers.of(lotte())}
    return words(readers[who]().get(reverse(name, args=args)).text)


def typed(ahead: timedelta = 90 * DAY, **more: object) -> dict[str, object]:
    return {"day": (timezone.localdate() + ahead).isoformat(), "reason": WHY, **more}


def test_the_team_proposes_the_end_of_a_held_scope_and_a_colleague_confirms_it(client, successor) -> None:
    url = reverse("security:deprecation", args=[factories.scope().pk])
    shown = signed_in(noor()).post(url, typed(successor=successor.name), follow=True)
    assert "Waits for a colleague" in shown.text
    assert "After: </span>address.read.v2" in shown.text
    assert not factories.scope().is_deprecated
    decide(waits(), bram(), "confirm")
    scope = factories.scope()
    midnight = timezone.localtime(scope.retires_at)
    assert (midnight.date(), midnight.hour, scope.successor) == (timezone.localdate() + 90 * DAY, 0, successor)


@pytest.mark.parametrize("wrong", [{"day": ""}, {"day": "soon"}, typed(3 * DAY), {"successor": "address.read"}])
def test_a_wrong_form_is_shown_again(client, wrong) -> None:
    url = reverse("security:deprecation", args=[factories.scope().pk])
    answer = signed_in(noor()).post(url, typed() | wrong)
    assert (answer.status_code, "error-summary" in answer.text) == (422, True)


def test_the_catalogue_shows_the_end_and_the_successor(scope) -> None:
    for shown in (page("security:scopes"), page("docs:page", "scopes")):
        assert f"Ends on {day(scope.retires_at)}" in shown
        assert "Instead: address.read.v2" in shown


def test_nobody_can_ask_for_it_but_a_holder_keeps_it_in_a_change(scope, client) -> None:
    assert 'value="address.read"' not in browsers.of(lotte()).get(reverse("public:request_client")).text
    form = browsers.of(lotte()).get(reverse("contact:propose_change", args=[client.uid])).text
    assert 'value="address.read"' in form
    assert f"It ends on {day(scope.retires_at)}." in form
    other, _secret = factories.client(scopes=(factories.scope("tax.read"),))
    for url in (
        reverse("contact:propose_change", args=[other.uid]), reverse("security:client_scopes", args=[other.uid])
    ):  # fmt: skip
        assert 'value="address.read"' not in browsers.of(lotte()).get(url).text + signed_in(noor()).get(url).text


def test_its_contact_sees_it_on_the_client_and_as_something_to_do(scope, client) -> None:
    shown = page("contact:client", client.uid, who="contact")
    assert f"Ends on {day(scope.retires_at)}" in shown
    assert "The scope address.read ends in" in shown
    assert "Ask for its successor" in shown
    Scope.objects.filter(pk=scope.pk).update(retires_at=timezone.now() + 20 * DAY)
    assert "The scope address.read ends in 19 days" in page("contact:clients", who="contact")


def test_the_owner_of_its_api_sees_it(scope) -> None:
    factories.api_owner(of=scope.api)
    shown = words(signed_in(elif_()).get(reverse("owner:api", args=[scope.api.identifier])).text)
    assert f"address.read {day(scope.retires_at)} address.read.v2 {WHY}" in shown


def test_the_report_shows_progress_and_who_still_uses_it(scope, client) -> None:
    factories.client(scopes=(factories.scope(),))
    ScopeUse.objects.create(client=client, scope=scope, last_issued_at=timezone.now() - DAY)
    shown = page("security:deprecation", scope.pk)
    assert "Done 0 of 2" in shown
    assert "Used it 1 in the last 7 days" in shown
    assert WHY in shown


def test_holders_beyond_a_page_are_on_the_next_one(scope, client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_SIZE", 1)
    other, _secret = factories.client(scopes=(factories.scope(),))
    ScopeUse.objects.create(client=client, scope=scope, last_issued_at=timezone.now() - DAY)
    address, reader = reverse("security:deprecation", args=[scope.pk]), signed_in(noor())
    first, second = (reader.get(address, {"page": number}).text for number in ("1", "2"))
    assert (client.name in first, other.name in first, "?page=2" in first) == (True, False, True)
    assert (client.name in second, other.name in second, "?page=1" in second) == (False, True, True)
    assert client.name in reader.get(address, {"page": "no number"}).text


def test_its_holders_are_exported_with_their_contacts_and_the_log_says_so(scope, client) -> None:
    at = datetime(2026, 11, 30, 12, tzinfo=timezone.get_default_timezone())
    ScopeUse.objects.create(client=client, scope=scope, last_issued_at=at)
    answer = signed_in(noor()).post(reverse("security:export_holders", args=[scope.pk]))
    _head, row = b"".join(answer.streaming_content).decode("utf-8-sig").strip().splitlines()
    assert client.client_id in row
    assert lotte().email in row
    assert "2026-11-30T11:00:00+00:00" in row
    entry = Entry.objects.first()
    assert (entry.action, entry.changes["filters"]) == ("clients.exported", [None, "deprecated=address.read"])


def test_it_is_withdrawn_by_one_with_a_reason(scope) -> None:
    url = reverse("security:withdraw_deprecation", args=[scope.pk])
    assert signed_in(noor()).post(url, {"reason": ""}).status_code == 422
    signed_in(noor()).post(url, {"reason": "Version 2 is late"})
    assert not factories.scope().is_deprecated
    assert Entry.objects.first().note == "Version 2 is late"


def test_a_request_that_waited_shows_the_reviewer_that_it_ends(client, successor) -> None:
    waiting = factories.submitted_request(timezone.now(), scopes=(factories.scope(), successor))
    deprecation.deprecate(
        scope=factories.scope(), plan=deprecation.Plan(timezone.now() + 90 * DAY, successor, WHY), by=SYSTEM,
        now=timezone.now(),
    )  # fmt: skip
    shown = signed_in(noor()).get(reverse("security:review", args=[waiting.uid])).text
    assert "Deprecated: it ends on" in shown
