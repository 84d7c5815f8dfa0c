"""The Security team's list of clients: found by what one knows of them, in pages, and as a spreadsheet."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.actions import Action
from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import client_secrets
from clients.acts.credentials import keys as key_acts
from clients.models import Client
from foundation.secret_format import generate
from portal.pages.security import client_list
from portal.search.client_search import matching
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tokens.models import CredentialUse

pytestmark = pytest.mark.django_db
SYSTEM = factories.SYSTEM


def found(now, **chosen: object) -> set[Client]:
    return set(matching(chosen, now))


def test_a_client_is_found_by_its_id_its_name_and_its_contact(now) -> None:
    one, _secret = factories.client()
    two, _secret = factories.client(contact=factories.wim())
    assert found(now, q=one.client_id) == {one}
    assert found(now, q=two.name[3:].upper()) == {two}
    assert found(now, q="Wim@rekenhuis.example") == {two}
    assert found(now, q="nothing like it") == set()


def test_a_client_is_found_by_a_client_id_that_it_had_before(now) -> None:
    client, _secret = factories.client()
    factories.client()
    first = client.client_id
    second = lifecycle.change_client_id(client=client, seen=first, by=SYSTEM, now=now)
    lifecycle.change_client_id(client=client, seen=second, by=SYSTEM, now=now)
    assert found(now, q=first) == found(now, q=second) == {client}


def test_filters_by_state_scope_and_organisation(now) -> None:
    one, _secret = factories.client()
    two, _secret = factories.client(scopes=(factories.scope("parcel.read"),))
    lifecycle.suspend(client=two, reason="x", by=SYSTEM, now=now)
    assert found(now, state="suspended") == {two}
    assert found(now, scope="address.read") == {one}
    assert found(now, scope="address") == set(), "part of a name is no scope"
    assert found(now, organisation="leiestroom") == {one, two}


def test_filters_by_what_a_client_signs_in_with(now) -> None:
    by_secret, _secret = factories.client()
    by_both, _secret = factories.client()
    by_key, _secret = factories.client()
    for client in (by_both, by_key):
        key_acts.add(client=client, key=keys.public_key(), by=SYSTEM, now=now)
    client_secrets.set_allowed(client=by_key, allowed=False, by=SYSTEM, now=now)
    assert found(now, method="secret") == {by_secret, by_both}
    assert found(now, method="key") == {by_both, by_key}
    assert found(now, method="secret_only") == {by_secret}
    assert found(now, method="key_only") == {by_key}
    assert found(now, method="both") == {by_both}
    assert found(now, method="none") == set()
    assert found(now, algorithm="EC") == {by_both, by_key}
    assert found(now, algorithm="RSA") == set()


def test_filters_by_what_ends_soon_and_what_is_not_used(now) -> None:
    quiet, _secret = factories.client(now=now - timedelta(days=60))
    Client.objects.filter(pk=quiet.pk).update(created_at=now - timedelta(days=60))
    ending, _secret = factories.client(now=now)
    key = key_acts.add(client=ending, key=keys.certificate(days=10), by=SYSTEM, now=now)
    CredentialUse.objects.create(credential=key.credential, client=ending, last_used_at=now, uses=1)
    assert found(now, expiring=30) == {ending}
    assert found(now, expiring=7) == set()
    trust = factories.trust(quiet)
    trust.expires_at = now + timedelta(days=6)
    trust.save()
    assert found(now, expiring=7) == {quiet}
    assert found(now, unused=30) == {quiet}


def test_filters_by_the_algorithm_that_the_software_really_signs_with(now) -> None:
    """An RSA key says nothing of it: the same key signs RS256 and PS256."""
    lately, long_ago, of_a_platform = (factories.client()[0] for _ in range(3))
    factories.used(lately, at=now, algorithm="PS256")
    factories.used(long_ago, at=now - timedelta(days=40), algorithm="PS256")
    factories.used(of_a_platform, "trust:1", at=now, algorithm="PS256")
    assert found(now, signed="PS256") == {lately}
    assert found(now, signed="RS256") == set()


def test_filters_by_the_age_of_a_secret_that_works(now) -> None:
    old, _secret = factories.client(now=now - timedelta(days=200))
    by_key, _secret = factories.client(now=now - timedelta(days=200))
    factories.client(now=now)
    key_acts.add(client=by_key, key=keys.public_key(), by=SYSTEM, now=now)
    client_secrets.set_allowed(client=by_key, allowed=False, by=SYSTEM, now=now)
    assert found(now, secret_age=180) == {old}
    assert found(now, secret_age=365) == set()
    client_secrets.regenerate(client=old, replaces=old.secrets.get(), overlap=timedelta(0), by=SYSTEM, now=now)
    assert found(now, secret_age=180) == set()


def test_pages_go_on_after_the_last_client_also_among_namesakes(now, monkeypatch) -> None:
    monkeypatch.setattr(client_list, "PAGE_SIZE", 2)
    for _number in range(5):
        factories.client()
    Client.objects.update(name="Same name")
    browser, url, seen = signed_in(factories.noor()), reverse("security:clients"), []
    while url:
        context = browser.get(url).context
        seen += [row.client.pk for row in context["rows"]]
        url = context["next_url"] and reverse("security:clients") + context["next_url"]
    assert seen == sorted(seen)
    assert len(seen) == 5


def test_the_most_refused_of_24_hours_come_first_in_pages_and_the_others_are_left_out(monkeypatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(client_list, "PAGE_SIZE", 2)
    few, most, same, _none = (factories.client()[0] for _number in range(4))
    for client, times in ((few, 2), (most, 5), (same, 2)):
        factories.refused(client, at=now - timedelta(hours=2), count=times)
    factories.refused(few, at=now - timedelta(hours=26), count=100)
    browser, url = signed_in(factories.noor()), f"{reverse('security:clients')}?sort=most_refused&scope=address.read"
    first = browser.get(url)
    assert [row.client for row in first.context["rows"]] == [most, same]
    assert "5 refused in 24 hours" in " ".join(first.text.split())
    second = browser.get(reverse("security:clients") + first.context["next_url"])
    assert [row.client for row in second.context["rows"]] == [few]
    assert second.context["next_url"] == ""


def test_the_filters_stay_in_the_address_of_the_next_page_and_the_export(now, monkeypatch) -> None:
    monkeypatch.setattr(client_list, "PAGE_SIZE", 1)
    for _number in range(2):
        factories.client()
    context = signed_in(factories.noor()).get(reverse("security:clients"), {"state": "active"}).context
    assert "state=active" in context["next_url"]
    assert "state=active" in context["export_url"]


def test_the_spreadsheet_holds_the_filtered_list_and_runs_no_formula(now) -> None:
    client, _secret = factories.client()
    Client.objects.filter(pk=client.pk).update(name='=HYPERLINK("http://evil.example")')
    factories.client(scopes=(factories.scope("parcel.read"),))
    response = signed_in(factories.noor()).post(reverse("security:export_clients") + "?scope=address.read")
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    assert [row["Client id"] for row in rows] == [client.client_id]
    assert rows[0]["Name"].startswith("'=")


def test_who_exports_the_list_of_clients_is_in_the_change_log() -> None:
    noor, secret = factories.noor(), generate()
    browser = signed_in(noor)
    assert browser.get(reverse("security:export_clients")).url.startswith(reverse("security:clients"))
    assert not Entry.objects.with_action(Action.CLIENTS_EXPORTED).exists()
    browser.post(f"{reverse('security:export_clients')}?state=active&organisation={secret}")
    (entry,) = Entry.objects.with_action(Action.CLIENTS_EXPORTED)
    assert (entry.actor_id, entry.address) == (noor.audit_id, "127.0.0.1")
    assert entry.changes["filters"] == [None, "state=active&organisation=***"]


def test_fifty_exported_clients_take_no_more_queries_than_one(now) -> None:
    browser, counts = signed_in(factories.noor()), []
    browser.get(reverse("security:clients"))
    for more in (1, 9):
        for _number in range(more):
            client, _secret = factories.client()
            key_acts.add(client=client, key=keys.public_key(), by=SYSTEM, now=now)
        with CaptureQueriesContext(connection) as queries:
            assert len(b"".join(browser.post(reverse("security:export_clients")))) > 100
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_filter_that_does_not_exist_is_an_error_and_no_crash() -> None:
    browser = signed_in(factories.noor())
    assert browser.get(reverse("security:clients"), {"method": "magic", "expiring": "x"}).status_code == 422
    assert browser.get(reverse("security:clients"), {"after": "not-a-uuid"}).status_code == 200


def test_fifty_clients_take_no_more_queries_than_one(now) -> None:
    browser, counts = signed_in(factories.noor()), []
    for more in (1, 9):
        for _number in range(more):
            client, _secret = factories.client()
            key_acts.add(client=client, key=keys.public_key(), by=SYSTEM, now=now)
        browser.get(reverse("security:clients"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("security:clients"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
