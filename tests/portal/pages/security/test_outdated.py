"""The Security team's pages of outdated ways (PROTOCOL C-42)."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clients.models import Mail
from clients.outdated_ways import OutdatedWay
from portal import tasks
from portal.search import outdated_figures
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db

WAYS = reverse("security:outdated_ways")
SHA1 = reverse("security:outdated_way", args=["sha1"])
WHY = {"reason": "Migration of case 4711", "message": "Please before May."}


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


def test_each_way_has_a_row_with_n_of_m_clients_and_its_page() -> None:
    used, modern = factories.client()[0], factories.client()[0]
    factories.used(used, kid="sha1", audience="issuer", algorithm="ES256")
    factories.used(modern, kid="thumbprint", audience="issuer", algorithm="ES256")
    text = signed_in(factories.noor()).get(WAYS).text
    assert "2 active clients were used in the last 30 days." in text
    for way in OutdatedWay:
        assert reverse("security:outdated_way", args=[way.value]) in text
    assert "1 of 2" in text
    assert "0 of 2" in text


def test_before_the_first_use_the_page_says_so() -> None:
    assert "No client was used yet" in signed_in(factories.noor()).get(WAYS).text


def test_the_dashboard_leads_there() -> None:
    assert WAYS in signed_in(factories.noor()).get(reverse("security:dashboard")).text


def test_a_way_lists_its_clients_and_mails_their_contacts() -> None:
    client, _secret = factories.client()
    factories.used(client, kid="sha1")
    browser = signed_in(factories.noor())
    page = browser.get(SHA1).text
    assert client.name in page
    assert reverse("security:client", args=[client.uid]) in page
    answer = browser.post(SHA1, WHY, follow=True)
    assert "The contacts of 1 client get a mail." in answer.text
    mail = Mail.objects.get(kind=Mail.Kind.OUTDATED_WAY)
    assert mail.facts == {"way": "sha1", "message": "Please before May."}


def test_without_clients_there_is_no_form_and_a_post_is_refused() -> None:
    browser = signed_in(factories.noor())
    page = browser.get(SHA1).text
    assert "No client uses it" in page
    assert 'name="reason"' not in page
    assert "Someone changed this" in browser.post(SHA1, WHY, follow=True).text
    assert not Mail.objects.filter(kind=Mail.Kind.OUTDATED_WAY).exists()


def test_a_long_list_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outdated_figures, "SHOWN", 2)
    for _each in range(3):
        factories.used(factories.client()[0], kid="sha1")
    assert "The 2 that used it last, of 3." in signed_in(factories.noor()).get(SHA1).text


def test_an_unknown_way_is_not_found() -> None:
    assert signed_in(factories.noor()).get("/security/old/md5/").status_code == 404


def test_the_worker_counts_so_that_the_pages_need_not() -> None:
    """They read a month of counts of every client, which takes seconds with a hundred thousand."""
    factories.used(factories.client()[0], kid="sha1")
    tasks.count_outdated_ways()
    browser = signed_in(factories.noor())
    browser.get(WAYS)
    for page in (WAYS, SHA1):
        with CaptureQueriesContext(connection) as asked:
            text = browser.get(page).text
        assert "Counted " in text
        assert "1 of 1" in text
        assert not [query for query in asked if "tokens_usagedetail" in query["sql"]]
