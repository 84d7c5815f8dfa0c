"""API M-5 and M-13: clients as the Security team's programs read them."""

from datetime import timedelta
from typing import get_args

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients.acts import lifecycle
from clients.acts.credentials import client_secrets, keys
from clients.models import Client
from portal.api.team.clients import ClientFilters, Signed
from portal.forms.client_lists import ClientFilterForm
from tests.support import factories
from tests.support.factories import by, lotte, noor
from tests.support.keys import certificate, public_key
from tokens.protocol import jws

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(calls):
    return calls("keydesk.clients.read")


def names(answer):
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def test_one_client_is_shown_with_scopes_settings_and_contacts(call, made):
    Client.objects.filter(pk=made.pk).update(rate_limit=50, reference="PO-7")
    answer = call("GET", f"clients/{made.uid}")
    shown = answer.json()
    assert answer["ETag"] == f'"{shown["etag"]}"'
    assert {name: shown[name] for name in ("uid", "client_id", "reference", "status", "scopes", "default_scopes")} == {
        "uid": str(made.uid),
        "client_id": made.client_id,
        "reference": "PO-7",
        "status": "active",
        "scopes": ["address.read"],
        "default_scopes": ["address.read"],
    }
    assert shown["settings"]["rate_limit"] == 50
    assert shown["contacts"] == [{"name": "Lotte Verhaeghe", "email": "lotte@leiestroom.example", "role": "owner"}]


def test_the_list_has_the_same_items_with_the_same_etags(call, made):
    items = {item["uid"]: item for item in call("GET", "clients").json()["items"]}
    assert items[str(made.uid)] == call("GET", f"clients/{made.uid}").json()


def test_the_etag_moves_with_each_change_and_not_with_a_token(call, made):
    def etag():
        return call("GET", f"clients/{made.uid}")["ETag"]

    seen = [etag()]
    assert etag() == seen[0]
    for change in (
        lambda: keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now()),
        lambda: Client.objects.filter(pk=made.pk).update(purpose="Other"),
        lambda: made.contacts.update(role="editor"),
        lambda: lifecycle.suspend(client=made, reason="x", by=by(noor()), now=timezone.now()),
    ):
        change()
        assert etag() not in seen
        seen.append(etag())


def test_pages_follow_each_other_and_the_last_one_says_so(call):
    own = call.client.name
    made = sorted([factories.client()[0].name for _ in range(4)] + [own])
    for sort, expected in (("name", made), ("newest", None)):
        found, cursor = [], ""
        while cursor is not None:
            page = call("GET", f"clients?limit=2&sort={sort}{cursor and f'&cursor={cursor}'}")
            found += names(page)
            cursor = page.json()["next"]
        assert sorted(found) == made
        assert expected in (None, found)


def test_the_most_refused_come_first_over_pages(call):
    few, most = (factories.client()[0] for _number in range(2))
    for client, times in ((few, 1), (most, 2)):
        factories.refused(client, at=timezone.now(), count=times)
    first = call("GET", "clients?limit=1&sort=most_refused")
    second = call("GET", f"clients?limit=1&sort=most_refused&cursor={first.json()['next']}")
    assert (names(first), names(second), second.json()["next"]) == ([most.name], [few.name], None)


def test_filters_have_the_names_of_the_pages_addresses():
    assert set(ClientFilters.model_fields) - {"limit", "cursor"} == set(ClientFilterForm.base_fields)


def test_every_algorithm_of_an_assertion_can_be_asked_for():
    assert get_args(Signed) == jws.ALGORITHMS


def test_filters_narrow_the_list(call, made):
    now = timezone.now()
    suspended, _secret = factories.client()
    lifecycle.suspend(client=suspended, reason="x", by=by(noor()), now=now)
    keys.add(client=made, key=certificate(days=20), by=by(lotte()), now=now)
    factories.recertification(made, asked_at=now)
    assert names(call("GET", "clients?state=suspended")) == [suspended.name]
    assert names(call("GET", "clients?recertification=due")) == [made.name]
    assert names(call("GET", "clients?recertification=late")) == []
    factories.used(made, audience="token_url", algorithm="ES256", at=now)
    assert names(call("GET", "clients?signed=ES256")) == [made.name]
    assert names(call("GET", "clients?signed=RS256")) == []
    factories.refused(made, at=now, count=12)
    assert names(call("GET", "clients?outdated=audience")) == [made.name]
    assert names(call("GET", "clients?outdated=sha1")) == []
    assert [names(call("GET", f"clients?refused={least}")) for least in (12, 13)] == [[made.name], []]
    assert names(call("GET", "clients?state=unused")) == []
    assert names(call("GET", f"clients?q={made.client_id}")) == [made.name]
    assert names(call("GET", "clients?scope=keydesk.clients.read")) == [call.client.name]
    assert made.name in names(call("GET", "clients?method=both&organisation=leiestroom"))
    assert names(call("GET", "clients?method=none")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=101", "limit"),
        ("limit=0", "limit"),
        ("colour=red", "colour"),
        ("state=odd", "state"),
        ("method=x", "method"),
        ("recertification=confirmed", "recertification"),
        ("expiring=soon", "expiring"),
        ("cursor=x", "cursor"),
        ("sort=odd", "sort"),
        ("after=x", "after"),
    ],
)
def test_unknown_filters_and_values_are_refused_by_name(call, query, field):
    answer = call("GET", f"clients?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "fields_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_secret_is_no_search_text(call, made):
    secret = client_secrets.in_clear(made.secrets.get())
    answer = call("GET", f"clients?q={secret}")
    assert answer.status_code == 422
    assert secret not in answer.text


def test_keys_and_secrets_are_listed_without_any_secret(call, made):
    now = timezone.now()
    old = made.secrets.get()
    text = client_secrets.regenerate(
        client=made, replaces=old, overlap=timedelta(0), by=by(lotte()), now=now
    )  # fmt: skip
    key = keys.add(client=made, key=public_key(), by=by(lotte()), now=now)
    listed = call("GET", f"clients/{made.uid}/keys").json()
    assert ([row["id"] for row in listed["items"]], listed["next"]) == ([str(key.uid)], None)
    secrets = call("GET", f"clients/{made.uid}/secrets?limit=1")
    assert [row["state"] for row in secrets.json()["items"]] == ["active"]
    assert text not in secrets.text
    older = call("GET", f"clients/{made.uid}/secrets?cursor={secrets.json()['next']}").json()
    assert [row["id"] for row in older["items"]] == [str(old.uid)]


@pytest.mark.parametrize("path", ["", "/keys", "/secrets"])
def test_what_is_not_there_is_404(call, path):
    answer = call("GET", f"clients/8d5f1d0e-6c1b-4f43-9a2e-1b7b0a6d5c11{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_list_of_many_takes_as_many_queries_as_one_of_few(call):
    counts = []
    for _ in range(2):
        factories.client()
        factories.client()
        with CaptureQueriesContext(connection) as queries:
            call("GET", "clients")
        counts.append(len(queries))
    assert counts[0] == counts[1]
