"""The search of the header finds anything: each kind of hit in its group, and no secret in an address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client as Browser
from django.urls import reverse

from audit.models import Entry
from clients.acts import lifecycle
from clients.models import Client, Registration
from portal.ui.dates import moment
from portal.web import form_rate_limits
from tests.portal.search.test_staff_search import ADDRESS, REQUEST_ID, WAYS, found, key, serial
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tests.support.factories import SYSTEM, ada, lotte, noor, wim
from tokens.models import UsageDetail

__all__ = ["found"]
pytestmark = pytest.mark.django_db


def groups(page: str) -> dict[str, str]:
    """The hits of a page by the heading of their group."""
    sections = re.findall(r'<section class="kd-hits">.*?</section>', page, re.DOTALL)
    return {re.search(r"<h2[^>]*>(.*?)</h2>", section)[1]: section for section in sections}


def search(browser, text: str) -> dict[str, str]:
    answer = browser.get(reverse("account:search"), {"q": text})
    assert answer.status_code == 200
    return groups(answer.text)


def test_who_searches_faster_than_people_is_asked_to_wait_and_others_are_not(found, in_one_window) -> None:
    fast, url = signed_in(noor()), reverse("account:search")
    answers = [fast.get(url, {"q": found.name}) for _ in range(form_rate_limits.MAX_SEARCHES + 1)]
    assert [answer.status_code for answer in answers[-2:]] == [200, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert "Too many searches in this minute" in answers[-1].text
    assert found.client_id not in answers[-1].text
    assert fast.post(url, {"q": found.name}).status_code == 429
    assert fast.get(url).status_code == 200
    for other in (signed_in(ada()), browsers.of(lotte()), Browser()):
        assert other.get(url, {"q": found.name}).status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_a_client_is_found_by_whatever_is_in_hand(found, way) -> None:
    hits = search(signed_in(noor()), WAYS[way](found))
    assert found.client_id in hits["Clients"]
    assert reverse("security:client", args=[found.uid]) in hits["Clients"]


GROUPS: dict[str, tuple[str, Callable[[Client], str]]] = {
    "organisation": ("Organisations", lambda client: "polder"),
    "request": ("Requests", lambda client: Registration.objects.get(client=client).number.lower()),
    "person": ("People", lambda client: "verhaeghe"),
    "mail domain": ("People", lambda client: "leiestroom.example"),
    "key id": ("Keys and secrets", lambda client: key(client).kid),
    "thumbprint": ("Keys and secrets", lambda client: key(client).thumbprint),
    "serial number": ("Keys and secrets", lambda client: str(serial(client))),
    "subject": ("Keys and secrets", lambda client: "api.leiestroom"),
    "hint": ("Keys and secrets", lambda client: f"…{client.secrets.get().hint}"),
    "refusal": ("Refused requests", lambda client: REQUEST_ID),
    "request id of an act": ("Change log", lambda client: Entry.objects.exclude(request_id="")[0].request_id),
    "entry": ("Change log", lambda client: str(Entry.objects.first().seq)),
    "scope": ("Scopes and APIs", lambda client: "address.re"),
    "API": ("Scopes and APIs", lambda client: "addresses"),
    "address": ("Used from this address", lambda client: ADDRESS),
}


@pytest.mark.parametrize("kind", GROUPS)
def test_each_kind_has_its_group(found, kind) -> None:
    UsageDetail.objects.filter(pk=factories.used(found).pk).update(network=ADDRESS)
    title, text = GROUPS[kind]
    assert title in search(signed_in(noor()), text(found))


def test_a_certificate_is_named_with_its_client_and_its_end(found) -> None:
    """staff.md 5.3: by the serial number as a certificate shows it."""
    hits = search(signed_in(noor()), serial(found).to_bytes(20).hex(":"))["Keys and secrets"]
    for words in ("Certificate, Pompwacht", key(found).subject, f"serial number {serial(found):x}", key(found).kid):
        assert words in hits
    assert f"until {moment(key(found).not_after)}" in hits
    assert reverse("security:client", args=[found.uid]) in hits


def test_a_former_client_id_is_found(found) -> None:
    earlier = found.client_id
    lifecycle.change_client_id(client=found, seen=earlier, by=SYSTEM, now=datetime.now(UTC))
    assert found.name in search(signed_in(noor()), earlier)["Clients"]


def test_a_group_has_five_and_a_link_to_all(found) -> None:
    for _number in range(6):
        factories.client()
    hits = search(signed_in(noor()), "meterstanden")["Clients"]
    assert hits.count('class="kd-hit"') == 5
    assert reverse("security:clients", query={"q": "meterstanden"}) in hits


def test_what_fits_nothing_says_so(found) -> None:
    page = signed_in(noor()).get(reverse("account:search"), {"q": "quagga"}).text
    assert "Nothing fits “quagga”." in page


def test_a_contact_finds_own_clients_alone(found) -> None:
    """Not even that others have such a thing."""
    mine = search(browsers.of(lotte()), "pompwacht")
    assert reverse("contact:client", args=[found.uid]) in mine["My clients"]
    assert Registration.objects.get(client=found).number in mine["Requests"]
    assert reverse("public:why", args=[REQUEST_ID]) in search(browsers.of(lotte()), REQUEST_ID)["Refused requests"]
    for text in ("pompwacht", REQUEST_ID, key(found).kid, found.client_id, ADDRESS, lotte().email):
        assert search(browsers.of(wim()), text) == {}


def test_an_auditor_finds_histories_and_entries(found) -> None:
    hits = search(signed_in(ada()), "pompwacht")
    assert reverse("auditor:client_at", args=[found.uid]) in hits["Clients"]
    assert "/security/" not in "".join(hits.values())
    assert "Change log" in search(signed_in(ada()), "1")


def test_a_text_that_is_sent_is_led_to_its_address(found) -> None:
    answer = signed_in(noor()).post(reverse("account:search"), {"q": " Pompwacht "})
    assert answer.url == reverse("account:search", query={"q": "Pompwacht"})


LEAKS: dict[str, Callable[[str], str]] = {
    "secret": lambda secret: secret,
    "in a sentence": lambda secret: f"look, {secret} is on the wiki",
    "cut off": lambda secret: secret[:20],
    "Basic header": lambda secret: "Authorization: Basic Y2xpZW50OmFub3RoZXItc2VjcmV0",
    "private key": lambda secret: "-----BEGIN PRIVATE KEY----- " + "QUJD" * 20,
}


@pytest.mark.parametrize("kind", LEAKS)
def test_a_secret_goes_to_the_incident_desk_and_into_no_address(kind) -> None:
    _client, secret = factories.client()
    text = LEAKS[kind](secret)
    answer = signed_in(noor()).post(reverse("account:search"), {"q": text})
    assert answer.url.startswith(reverse("security:incident"))
    assert secret[:12] not in answer.url
    assert Entry.objects.first().action == "incident.looked_up"
    for reader in (browsers.of(lotte()), signed_in(ada())):
        refused = reader.post(reverse("account:search"), {"q": text})
        assert refused.status_code == 422
        assert text not in refused.text
    assert signed_in(noor()).get(reverse("account:search"), {"q": text}).status_code == 422


def test_a_certificate_goes_to_the_incident_desk(found) -> None:
    pem = keys.certificate_pem().decode()
    answer = signed_in(noor()).post(reverse("account:search"), {"q": pem})
    assert answer.url.startswith(reverse("security:incident"))


def test_it_takes_no_more_queries_for_more_hits(found) -> None:
    browser, url = signed_in(noor()), reverse("account:search", query={"q": "leiestroom"})
    before = browsers.queries(browser, url)
    for _number in range(5):
        factories.client()
    assert browsers.queries(browser, url) == before
