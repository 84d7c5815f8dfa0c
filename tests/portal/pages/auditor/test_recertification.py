"""The campaign of a year: figures, organisations, clients and spreadsheet; and late clients in the team's lists."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.recertification import answers, questions
from clients.models import Client, Recertification
from portal.pages.auditor import recertification
from portal.search.client_search import matching
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import ada, by, lotte, noor

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
CAMPAIGN, EXPORT = reverse("auditor:recertification"), reverse("auditor:export_recertification")


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def campaign(now: datetime) -> dict[str, Client]:
    """A client in each state; the late one is of another organisation."""
    states = Recertification.State.values
    made = {state: factories.client(now=now - 400 * DAY)[0] for state in states}
    Client.objects.filter(pk=made["late"].pk).update(organisation="=Rekenhuis bv")
    questions.settle(now=now)
    made["late"].recertifications.update(answer_by=now - DAY)
    seen = answers.tag_of(answers.what_is_confirmed(made["confirmed"], now))
    answers.confirm(client=made["confirmed"], seen=seen, by=by(lotte()), now=now)
    lifecycle.close(client=made["dropped"], reason="x", by=factories.SYSTEM, now=now)
    return made


def table(query: str = "") -> list[dict[str, str]]:
    text = b"".join(signed_in(ada()).post(EXPORT + query)).decode().removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_has_the_figures_and_the_clients_for_auditors_and_the_team(campaign) -> None:
    for reader in (ada(), noor()):
        answer = signed_in(reader).get(CAMPAIGN)
        assert [part["count"] for part in answer.context["parts"]] == [1, 1, 1, 1]
        assert [row["name"] for row in answer.context["organisations"]] == ["=Rekenhuis bv", "Waterbedrijf Leiestroom"]
        assert {row["client"] for row in answer.context["rows"]} == set(campaign.values())
        assert "Confirmed: 1, To be confirmed: 1, Late: 1, Closed: 1" in answer.text


@pytest.mark.parametrize(
    ("person", "area"), [(factories.ada, "auditor:reports"), (factories.noor, "auditor:change_log")]
)
def test_the_navigation_tells_each_role_where_it_is(person, area) -> None:
    text = signed_in(person()).get(reverse("auditor:recertification")).text
    assert f'href="{reverse(area)}" aria-current="page"' in text


def test_figures_lead_to_their_clients_and_an_organisation_to_its_own(campaign) -> None:
    browser = signed_in(ada())
    answer = browser.get(CAMPAIGN)
    for part, client in zip(answer.context["parts"], campaign.values(), strict=True):
        assert [row["client"] for row in browser.get(CAMPAIGN + part["url"]).context["rows"]] == [client]
    first = answer.context["organisations"][0]
    assert [row["client"] for row in browser.get(CAMPAIGN + first["url"]).context["rows"]] == [campaign["late"]]


def test_its_clients_have_numbered_pages_that_keep_the_filters(campaign, monkeypatch) -> None:
    monkeypatch.setattr(recertification, "PAGE_SIZE", 2)
    browser, query = signed_in(ada()), "?organisation=Waterbedrijf+Leiestroom"
    first, second = (browser.get(f"{CAMPAIGN}{query}&page={number}") for number in (1, 2))
    clients = [row["client"] for answer in (first, second) for row in answer.context["rows"]]
    assert (len(clients), set(clients)) == (3, set(campaign.values()) - {campaign["late"]})
    address = re.search(r'href="(\?page=2&amp;[^"]+#clients)"', first.text)
    assert address
    assert browser.get(CAMPAIGN + unescape(address[1])).context["rows"] == second.context["rows"]


def test_the_spreadsheet_has_contacts_and_who_confirmed_and_no_formula(campaign) -> None:
    rows = {row["Client id"]: row for row in table()}
    assert len(rows) == len(campaign)
    assert rows[campaign["confirmed"].client_id]["Confirmed by"] == lotte().audit_label
    late = rows[campaign["late"].client_id]
    assert (late["State"], late["Contacts"]) == ("Late", lotte().email)
    assert late["Organisation"] == "'=Rekenhuis bv"
    [late_alone] = table("?state=late")
    assert late_alone == late


def test_an_export_is_an_entry_with_its_filters(campaign) -> None:
    table("?state=late")
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.actor_label) == ("clients.exported", ada().audit_label)
    assert "recertification" in str(entry.changes)
    assert "state=late" in str(entry.changes)


def test_each_year_is_a_campaign_of_its_own(campaign, now) -> None:
    campaign["late"].recertifications.update(asked_at=now - 366 * DAY)
    year = timezone.localtime(now - 366 * DAY).year
    answer = signed_in(ada()).get(f"{CAMPAIGN}?year={year}")
    assert [row["client"] for row in answer.context["rows"]] == [campaign["late"]]
    assert campaign["late"] not in [row["client"] for row in signed_in(ada()).get(CAMPAIGN).context["rows"]]


def test_a_filter_that_is_none_is_refused(campaign) -> None:
    for query in ("?year=1999", "?year=x", "?state=moon"):
        assert signed_in(ada()).get(CAMPAIGN + query).status_code == 422, query
        assert signed_in(ada()).post(EXPORT + query).status_code == 302


def test_before_the_first_question_the_page_says_so() -> None:
    assert "No client was asked yet" in signed_in(ada()).get(CAMPAIGN).text


def test_the_security_team_filters_its_clients_and_sees_late_ones_first(campaign, now) -> None:
    for state in ("due", "late"):
        assert list(matching({"recertification": state}, now)) == [campaign[state]]
    [need] = signed_in(noor()).get(reverse("security:dashboard")).context["needs"]
    assert (need.kind, need.thing, need.is_late) == ("recertification", 1, True)
    text = signed_in(noor()).get(reverse("security:client", args=[campaign["confirmed"].uid])).text
    assert "Confirmed by Lotte Verhaeghe" in text
