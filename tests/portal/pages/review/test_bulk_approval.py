"""Approving several requests at once: whole, after a page that shows each, and none that wants a second look."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Entry
from clients.acts import client_requests
from clients.models import Client, Mail, Registration, Scope
from tests.portal.pages.review.test_queue import asked_again, endorsed, selected
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import by, lotte, noor

pytestmark = pytest.mark.django_db
Status = Registration.Status


@pytest.fixture(autouse=True)
def first() -> Client:
    """The client for which the organisation is known."""
    return factories.client()[0]


def approve(*found: Registration, **more: str) -> str:
    """Return the text of the page after the post: the one that asks, or with `message` the one after the act."""
    form = selected(*found, do="approve", **more)
    return " ".join(signed_in(noor()).post(reverse("security:bulk"), form, follow=True).text.split())


def asked(now, name: str, **changes) -> Registration:
    """A request of an organisation that is known, with an address of its domain."""
    known = {"organisation": "Waterbedrijf Leiestroom", "contact_email": "jan@leiestroom.example"}
    return factories.submitted_request(now, client_name=name, **known | changes)


def a_change(now) -> Registration:
    client = Client.objects.get()
    content = factories.content(client_name="Renamed", organisation=client.organisation)
    return client_requests.propose_change(client=client, content=content, by=by(lotte()), now=now)


def with_legal_basis() -> Scope:
    found = factories.scope("nrn.law")
    Scope.objects.filter(pk=found.pk).update(needs_legal_basis=True)
    return found


def test_each_is_shown_before_and_granted_whole_after(now) -> None:
    one, two = asked(now, "Leesdienst"), asked(now, "Schrijfdienst")
    shown = approve(one, two)
    for words in ("Approve 2 requests", "Leesdienst", "Schrijfdienst", "gets all the scopes"):
        assert words in shown
    assert Client.objects.count() == 1

    assert "You approved 2 requests." in approve(one, two, message="")
    for request in (one, two):
        request.refresh_from_db()
        assert (request.status, request.decided_by) == (Status.APPROVED, noor())
        rows = request.client.client_scopes.values_list("scope__name", "is_default")
        assert list(rows) == [(row.scope.name, True) for row in request.asked.all()]
        entry = Entry.objects.get(action="registration.approved", subject_id=request.audit_id)
        assert entry.changes["content_hash"] == [None, request.content_hash]
        assert entry.changes["signals"][1], "the record says what the reviewer saw"
    assert Mail.objects.filter(kind=Mail.Kind.CLIENT_READY).count() == 2


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (endorsed, "Two people decide on a sensitive scope"),
        (lambda now: asked(now, "X", scopes=(factories.scope("nrn", sensitive=True),)), "Two people decide"),
        (lambda now: asked(now, "X", scopes=(with_legal_basis(),)), "a legal basis"),
        (asked_again, "Waits for an answer of the contact"),
        (lambda now: asked(now, "X", contact_email=noor().email), "You asked for it yourself"),
        (lambda now: asked(now, "X", organisation="New here"), "Has signals"),
        (a_change, "Changes a client"),
    ],
    ids=["second approval", "sensitive", "legal basis", "with the contact", "own", "signals", "change"],
)
def test_a_request_that_wants_a_second_look_is_left_out_and_says_why(now, make, why) -> None:
    request, plain = make(now), asked(now, "Leesdienst")
    shown = approve(request, plain)
    assert "Approve 1 request" in shown
    assert why in shown
    said = approve(request, plain, message="")
    assert "You approved 1 request." in said
    assert why in said, "also when its hidden fields are sent all the same"
    before = request.status
    request.refresh_from_db()
    assert request.status == before
    assert Client.objects.latest("created_at").name == "Leesdienst"
    assert Client.objects.count() == 2


def test_more_requests_take_no_more_queries(now) -> None:
    few, many = [asked(now, "Leesdienst")], [asked(now, f"Schrijfdienst {number}") for number in range(4)]
    browser, counted = signed_in(noor()), []
    for found in (few, few, many):  # the first one begins the session
        form = selected(*found, do="approve")
        with CaptureQueriesContext(connection) as queries:
            shown = browser.post(reverse("security:bulk"), form)
        assert len(shown.context["chosen"]) == len(found)
        counted.append(len(queries))
    assert counted[1] == counted[2]


def test_where_all_are_left_out_nothing_is_asked(now) -> None:
    shown = approve(endorsed(now))
    assert "None of the selected requests." in shown
    assert "Two people decide" in shown
    assert "Approve 0" not in shown
    assert "gets all the scopes" not in shown
    assert "Back to the queue" in shown


def test_a_scope_that_ends_or_became_sensitive_meanwhile_is_left_out(now) -> None:
    request = asked(now, "Leesdienst")
    approve(request)
    Scope.objects.update(sensitive=True)
    assert "Two people decide" in approve(request, message="")
    Scope.objects.update(sensitive=False, retired_at=now)
    assert "not offered any more" in approve(request, message="")
    assert Client.objects.count() == 1


def test_what_an_owner_of_the_api_has_not_approved_is_left_out(now) -> None:
    owned = asked(now, "Owned", scopes=(factories.scope("owned.read", of=factories.api("owned")),))
    plain = asked(now, "Plain")
    owner = factories.api_owner(of=owned.asked.get().scope.api)
    shown = approve(owned, plain)
    assert "Approve 1 request" in shown
    assert "Waits for the owner of an API" in shown
    owned.asked.update(owner_approved=False, owner=owner, owner_decided_at=now)
    shown = approve(owned, plain)
    assert "The owner of an API refused a scope" in shown
    assert "Waits for the owner" not in shown
    owned.asked.update(owner_approved=True)
    assert "You approved 2 requests." in approve(owned, plain, message="")
