"""The chart on the page of a client: its figures, its refusals alone, and the marks below it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clients.acts.credentials import keys
from clients.models import Client, PolicyBound
from clients.policy.bounds import Bound
from tests.support import factories
from tests.support.keys import public_key
from tokens.models import UsageDay

pytestmark = pytest.mark.django_db


def page(browser, client: Client) -> str:
    return browser.get(reverse("contact:client", args=[client.uid])).content.decode()


def test_tokens_per_day_have_a_table_behind_the_chart(made, browser) -> None:
    today = datetime.now(UTC).date()
    UsageDay.objects.create(client=made, day=today, credential="secret:1", issued=1234, refused=0)
    UsageDay.objects.create(client=made, day=today, credential="", issued=0, refused=7)
    text = page(browser, made)
    assert "1,234" in text or "1234" in text
    assert "Show as a table" in text


def test_each_day_of_the_chart_says_its_figures_and_leads_to_its_refusals(made, browser) -> None:
    today = datetime.now(UTC)
    for ago, issued, refused in ((3, 627, 69), (0, 27, 29)):
        at = today - timedelta(days=ago)
        UsageDay.objects.create(client=made, day=at.date(), credential="key:1", issued=issued)
        factories.refused(made, at=at, count=refused)
    text = page(browser, made)
    links = re.findall(r'<a class="kd-chart__link" href="([^"]+)" aria-label="([^"]+)"', text)
    assert len(links) == 30
    address, words = links[-4]
    assert words.endswith(": 627 issued, 69 refused")
    assert links[-1][1].endswith(": 27 issued, 29 refused")
    day = (today - timedelta(days=3)).date().isoformat()
    assert address == f"{reverse('contact:failures')}?client={made.uid}&amp;day={day}"
    assert "69</b> times" in browser.get(address.replace("&amp;", "&")).content.decode()
    assert "654 issued" in text
    assert "98 refused, on the same scale" in text


def test_the_refused_requests_alone_have_a_scale_of_their_own(made, browser) -> None:
    now = datetime.now(UTC)
    UsageDay.objects.create(client=made, day=now.date(), credential="key:1", issued=4000)
    factories.refused(made, at=now, count=7)
    url = reverse("contact:client", args=[made.uid])
    both, alone = (browser.get(url, query).content.decode() for query in ({}, {"chart": "refused"}))
    assert ">4,000<" in both
    assert ">8<" in alone
    assert ">4,000<" not in alone
    assert 'href="?chart=refused#chart"' in both


def test_the_chart_marks_the_days_on_which_a_credential_came(made, browser) -> None:
    keys.add(client=made, key=public_key(), by=factories.by(factories.lotte()), now=datetime.now(UTC))
    UsageDay.objects.create(client=made, day=datetime.now(UTC).date(), credential="key:1", issued=4)
    marks = re.findall(r'<a\s+class="kd-chart__mark[^"]*"\s+href="([^"]+)"\s+title="([^"]+)"', page(browser, made))
    assert [(url, words.partition(",")[0]) for url, words in marks] == [
        (reverse("contact:client_history", args=[made.uid]), "Key added")
    ]


def test_the_chart_marks_the_day_from_which_a_policy_counts_for_the_client(made, browser) -> None:
    now = datetime.now(UTC)
    UsageDay.objects.create(client=made, day=now.date(), credential="key:1", issued=4)
    PolicyBound.objects.create(
        client=made, bound=Bound.RSA_BITS, value=3072, in_force_from=now - timedelta(days=9), existing_from=now
    )
    marks = re.findall(r'<a\s+class="kd-chart__mark[^"]*"\s+href="[^"]+"\s+title="([^",]+)', page(browser, made))
    assert marks == ["Policy changed", "Policy in force"]
