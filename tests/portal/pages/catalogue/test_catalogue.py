"""The catalogue of APIs and scopes, kept by the Security team."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Entry
from clients.acts import catalogue, lifecycle
from clients.models import Api, Mail, Scope
from foundation.refusals import Refusal
from tests.portal.support.html import seen_on
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db


def post(page: str, /, *arguments: object, **data: object):
    data = {"reason": "Case 4711", **data}
    return signed_in(factories.noor()).post(reverse(page, args=arguments), data)


def test_an_api_and_a_scope_are_added_with_a_description_per_language() -> None:
    post(
        "security:create_api",
        identifier="parcels",
        name="Parcels",
        description_en="Who owns what",
        description_nl="Percelen",
    )
    api = Api.objects.get(identifier="parcels")
    post(
        "security:create_scope",
        name="parcel.read",
        api=api.pk,
        description_en="Read",
        description_nl="Lezen",
        sensitive="on",
    )
    scope = Scope.objects.get(name="parcel.read")
    assert (scope.api, scope.sensitive, scope.described_in("nl"), scope.described_in("fr")) == (
        api,
        True,
        "Lezen",
        "Read",
    )
    assert [entry.action for entry in Entry.objects.all()[:2]] == ["scope.created", "api.created"]


@pytest.mark.parametrize("name", ["two words", "a,b", 'a"b', "address.read", ""])
def test_a_scope_name_that_cannot_be_is_refused_beside_its_field(name) -> None:
    factories.scope("address.read")
    response = post("security:create_scope", name=name, api=factories.api().pk, description_en="x")
    assert response.status_code == 422
    assert "govuk-error-message" in response.content.decode()
    assert not Scope.objects.exclude(api__identifier="keydesk").exclude(name="address.read").exists()


@pytest.mark.parametrize("identifier", ["Water", "water ways", "water_ways", "wäter"])
def test_an_identifier_that_cannot_be_is_refused_with_what_can_be(identifier) -> None:
    """A valid "slug" was asked for, and what the hint rules out was taken."""
    response = post("security:create_api", identifier=identifier, name="Water", description_en="x")
    assert response.status_code == 422
    assert "Use small letters, digits and hyphens." in response.content.decode()


def test_errors_are_listed_in_the_order_of_the_page() -> None:
    page = post("security:create_api", reason="").content.decode()
    fields = ("identifier", "name", "description_en", "reason")
    places = [page.index(f'href="#id_{field}"') for field in fields] + [
        page.index(f'id="id_{field}"') for field in fields
    ]
    assert places == sorted(places)


def test_an_identifier_is_taken_once() -> None:
    factories.api("addresses")
    assert post("security:create_api", identifier="addresses", name="Again", description_en="x").status_code == 422


def test_a_scope_is_changed_and_retired_with_a_warning_of_who_has_it(now) -> None:
    factories.client()
    scope = Scope.objects.get(name="address.read")
    post("security:change_scope", scope.pk, description_en="New words", sensitive="on")
    scope.refresh_from_db()
    assert (scope.sensitive, scope.described_in("en")) == (True, "New words")
    text = signed_in(factories.noor()).get(reverse("security:retire_scope", args=[scope.pk])).content.decode()
    assert "1 client has it now" in text
    assert "The contacts of these clients get an e-mail." in text
    catalogue.retire_scope(scope=scope, by=factories.SYSTEM, now=now)
    told = Mail.objects.filter(kind=Mail.Kind.SCOPE_RETIRED).values_list("to", "facts__action", "facts__subject")
    assert list(told) == [("lotte@leiestroom.example", "scope.retired", "address.read")]
    scope.refresh_from_db()
    assert scope.retired_at is not None


def test_a_scope_that_many_clients_have_is_retired_in_no_more_queries(now) -> None:
    """Ten thousand took forty seconds, in which every act on one of them waited."""
    counts = []
    for number, holders in enumerate((1, 5)):
        scope = factories.scope(f"{number}.read")
        for _number in range(holders):
            factories.client(scopes=(scope,))
        with CaptureQueriesContext(connection) as queries:
            catalogue.retire_scope(scope=scope, by=factories.SYSTEM, now=now)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Mail.objects.filter(facts__action="scope.retired").count() == 6


def test_resource_servers_are_named_by_their_client_ids(now) -> None:
    client, _secret = factories.client()
    api = factories.api()
    typed = {"name": "A", "description_en": "x", "seen": api.content_hash}
    assert post("security:change_api", api.identifier, **typed, served_by="nobody").status_code == 422
    post("security:change_api", api.identifier, **typed, served_by=f" {client.client_id}\n")
    assert [served.pk for served in api.served_by.all()] == [client.pk]
    assert client.name in signed_in(factories.noor()).get(reverse("security:scopes")).content.decode()


def test_a_closed_client_is_no_resource_server_and_holds_up_no_api(now) -> None:
    """The page refused a client that it had itself put there as unknown."""
    client, _secret = factories.client(serves=[factories.api()])
    lifecycle.close(client=client, reason="x", by=factories.SYSTEM, now=now)
    browser, address = signed_in(factories.noor()), reverse("security:change_api", args=["addresses"])
    form = browser.get(address).context["form"]
    typed = {
        "name": "A", "description_en": "x", "served_by": form["served_by"].value(), "seen": form["seen"].value(),
        "reason": "Case 4711",
    }  # fmt: skip
    assert browser.post(address, typed).status_code == 302
    assert client.name not in browser.get(reverse("security:scopes")).content.decode()


def test_of_two_who_change_an_api_the_second_sees_what_the_first_did(now) -> None:
    client, _secret = factories.client()
    api = factories.api()
    api.served_by.add(client)
    address = reverse("security:change_api", args=[api.identifier])
    first, second = signed_in(factories.noor()), signed_in(factories.bram())
    page = first.get(address).content.decode()
    typed = {"name": "A", "description_en": "x", "served_by": "", "reason": "Case 4711"}
    assert second.post(address, {**typed, "seen": seen_on(page)}).status_code == 302
    mine = {"name": "B", "description_en": "New words", "served_by": client.client_id, "reason": "Case 4711"}
    answer = first.post(address, {**mine, "seen": seen_on(page)})
    api.refresh_from_db()
    assert (answer.status_code, api.name, api.served_by.count()) == (409, "A", 0)
    text = answer.content.decode()
    assert f"After: </span>{client.client_id}<" in text
    assert "New words</textarea>" in text
    assert first.post(address, {**mine, "seen": seen_on(text)}).status_code == 302
    assert api.served_by.get() == client


def test_the_page_tells_how_many_clients_hold_a_scope(now) -> None:
    factories.client(), factories.client()
    assert "2 clients" in signed_in(factories.noor()).get(reverse("security:scopes")).content.decode()


def test_more_apis_and_scopes_take_no_more_queries(now) -> None:
    browser, counts = signed_in(factories.noor()), []
    for more in ("a", "bcdefgh"):
        for letter in more:
            factories.scope(f"{letter}.read", of=factories.api(letter))
        browser.get(reverse("security:scopes"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("security:scopes"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- Keydesk's own API (API M-3) --------------------------------------------------------------------------------------


def test_keydesks_own_api_is_shown_and_cannot_be_changed() -> None:
    scope = Scope.objects.get(name="keydesk.clients.write")
    assert scope.sensitive
    page = signed_in(factories.noor()).get(reverse("security:scopes")).text
    assert "keydesk.clients.write" in page
    for address in (
        reverse("security:change_api", args=["keydesk"]),
        reverse("security:change_scope", args=[scope.pk]),
    ):
        assert address not in page
    post("security:change_scope", scope.pk, description_en="Mine", sensitive="on")
    post("security:retire_scope", scope.pk)
    scope.refresh_from_db()
    assert (scope.described_in("en") != "Mine", scope.retired_at) == (True, None)
    assert not Entry.objects.filter(subject_id=scope.audit_id).exists()


def test_no_act_changes_keydesks_own_api(now) -> None:
    scope, by = Scope.objects.get(name="keydesk.clients.write"), factories.by(factories.noor())
    acts = (
        lambda: catalogue.change_api(api=scope.api, name="X", description={}, served_by=[], reason="x", by=by),
        lambda: catalogue.change_scope(scope=scope, description={}, sensitive=True, reason="x", by=by),
        lambda: catalogue.drop_second_approval(scope=scope, reason="x", by=by),
        lambda: catalogue.retire_scope(scope=scope, reason="x", by=by, now=now),
    )
    for act in acts:
        with pytest.raises(Refusal, match="built_in"):
            act()
