"""Scopes that reach data: two people give them to a client, and two retire one that clients hold."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Entry
from clients.models import Client, Mail, Scope, User
from tests.portal.pages.review.test_proposals import decide, waits
from tests.portal.support.html import seen_on
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import bram, lotte, noor

pytestmark = pytest.mark.django_db


@pytest.fixture
def scope() -> Scope:
    return factories.scope("person.nrn.read", sensitive=True)


@pytest.fixture
def client(scope) -> Client:
    found, _secret = factories.client(scopes=(scope,))
    return found


# --- Scopes of a client ---------------------------------------------------------------------------------------------
def save_scopes(client: Client, who: User, *names: str):
    browser, address = signed_in(who), reverse("security:client_scopes", args=[client.uid])
    seen = seen_on(browser.get(address).content.decode())
    told = {"seen": seen, "scopes": names, "defaults": names[:1], "reason": "Agreed with the owner"}
    return browser.post(address, told, follow=True)


@pytest.mark.parametrize("sensitive", [False, True])
def test_scopes_are_given_by_two_people(now, sensitive) -> None:
    plain, _secret = factories.client()
    factories.scope("parcel.read", sensitive=sensitive)
    page = save_scopes(plain, noor(), "address.read", "parcel.read").content.decode()
    assert "Waits for a colleague" in page
    assert "After: </span>address.read parcel.read" in page
    assert not plain.scopes.filter(name="parcel.read").exists()
    decide(waits(), bram(), "confirm")
    assert dict(plain.client_scopes.values_list("scope__name", "is_default")) == {
        "address.read": True, "parcel.read": False,
    }  # fmt: skip
    assert Entry.objects.first().changes["scopes"] == ["address.read", "address.read parcel.read"]


def test_scopes_are_taken_away_by_one(client) -> None:
    save_scopes(client, noor())
    assert not client.scopes.exists()
    assert Entry.objects.first().note == "Agreed with the owner"


def test_a_scope_that_was_retired_meanwhile_is_not_given(now) -> None:
    plain, _secret = factories.client()
    factories.scope("parcel.read")
    save_scopes(plain, noor(), "address.read", "parcel.read")
    Scope.objects.filter(name="parcel.read").update(retired_at=now)
    assert decide(waits(), bram(), "confirm").status_code == 409
    assert plain.scopes.count() == 1


# --- Retiring a scope -----------------------------------------------------------------------------------------------
def retire(scope: Scope, who: User):
    return signed_in(who).post(
        reverse("security:retire_scope", args=[scope.pk]), {"reason": "The API ends"}, follow=True
    )


def test_a_scope_that_clients_hold_is_retired_by_two_people(client, scope) -> None:
    page = retire(scope, noor()).content.decode()
    assert "Waits for a colleague" in page
    assert "1 client holds this scope" in page
    scope.refresh_from_db()
    assert scope.retired_at is None
    assert (
        "Noor El Amrani proposes: Retire a scope" in signed_in(bram()).get(reverse("security:scopes")).content.decode()
    )
    decide(waits(), bram(), "confirm")
    scope.refresh_from_db()
    assert scope.retired_at is not None
    assert Entry.objects.first().changes["clients"] == [1, None]
    assert Mail.objects.filter(kind=Mail.Kind.SCOPE_RETIRED, to=lotte().email).exists()


def test_a_scope_that_nobody_holds_is_retired_by_one_with_a_reason(scope) -> None:
    assert signed_in(noor()).post(reverse("security:retire_scope", args=[scope.pk])).status_code == 422
    retire(scope, noor())
    scope.refresh_from_db()
    assert scope.retired_at is not None
    assert Entry.objects.first().note == "The API ends"


def test_more_proposals_take_no_more_queries(now) -> None:
    browser, counts = signed_in(bram()), []
    for more in ("a", "bcdefgh"):
        for letter in more:
            factories.client(scopes=(factories.scope(f"{letter}.read"),))
            retire(Scope.objects.get(name=f"{letter}.read"), noor())
        for page in ("security:proposals", "security:dashboard", "security:scopes"):
            browser.get(reverse(page))
            with CaptureQueriesContext(connection) as queries:
                browser.get(reverse(page))
            counts.append(len(queries))
    assert counts[:3] == counts[3:]
