"""API M-7 and M-13: requests for clients, as the Security team's programs read, send and recommend them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail as outgoing
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Entry
from clients.actors import Actor
from clients.acts import client_requests, review
from clients.mail import outbox
from clients.models import Mail, Registration
from foundation.refusals import Refusal
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import bram, by, noor, submitted_request, wim

pytestmark = pytest.mark.django_db
NEW = {
    "client_name": "Meterstanden",
    "organisation": "Waterbedrijf Leiestroom",
    "contact_name": "An Peeters",
    "contact_email": "an@leiestroom.example",
    "purpose": "Reads addresses before letters are sent.",
    "scopes": ["address.read"],
}


@pytest.fixture
def call(calls):
    factories.scope()
    return calls("keydesk.requests.read", "keydesk.requests.write")


def listed(call, query=""):
    answer = call("GET", f"requests{query}")
    assert answer.status_code == 200, answer.text
    return [item["uid"] for item in answer.json()["items"]]


def recommend(call, registration, advice="approve", **headers):
    etag = call("GET", f"requests/{registration.uid}")["ETag"]
    body = {"recommendation": advice, "reason": "Contract 4711 is valid."}
    return call("POST", f"requests/{registration.uid}/recommendation", body, **({"If-Match": etag} | headers))


# --- Read -------------------------------------------------------------------------------------------------------------


def test_one_request_is_shown_with_what_is_asked_and_said(call):
    registration = submitted_request()
    answer = call("GET", f"requests/{registration.uid}")
    shown = answer.json()
    assert answer["ETag"] == f'"{shown["etag"]}"'
    assert {name: shown[name] for name in ("number", "kind", "status", "client", "program", "messages")} == {
        "number": registration.number,
        "kind": "new",
        "status": "submitted",
        "client": None,
        "program": None,
        "messages": [],
    }
    asked = {"name": "address.read", "sensitive": False, "granted": None, "legal_basis": ""}
    assert shown["scopes"] == [asked]
    assert call("GET", "requests").json()["items"] == [shown]
    registration.asked.update(granted=True, legal_basis="AGV-2026/019")
    decided = call("GET", f"requests/{registration.uid}").json()["scopes"]
    assert decided == [asked | {"granted": True, "legal_basis": "AGV-2026/019"}]


def test_lists_are_those_of_the_queue(call):
    now = timezone.now()
    waits, second, contact, decided = (submitted_request(client_name=f"Client {name}") for name in "abcd")
    Registration.objects.filter(pk=second.pk).update(endorsed_by=noor(), endorsed_at=now)
    review.request_changes(registration=contact, message="Why?", seen=contact.content_hash, by=by(noor()), now=now)
    review.reject(registration=decided, message="No", seen=decided.content_hash, by=by(noor()), now=now)
    uids = {name: str(row.uid) for name, row in (("w", waits), ("s", second), ("c", contact), ("d", decided))}
    assert listed(call) == [uids["d"], uids["c"], uids["s"], uids["w"]]
    assert listed(call, "?show=all") == [uids["s"], uids["w"]]
    assert listed(call, "?show=second") == [uids["s"]]
    assert listed(call, "?show=contact") == [uids["c"]]
    assert listed(call, "?show=decided") == [uids["d"]]
    assert listed(call, f"?q={waits.number}") == [uids["w"]]
    page = call("GET", "requests?limit=3").json()
    assert listed(call, f"?limit=3&cursor={page['next']}") == [uids["w"]]


@pytest.mark.parametrize("query", ["limit=101", "show=odd", "colour=red", "cursor=x"])
def test_unknown_filters_are_refused(call, query):
    assert call("GET", f"requests?{query}").status_code == 422


def test_a_list_of_many_takes_as_many_queries_as_one_of_few(call):
    counts = []
    for number in range(2):
        for letter in "ab":
            submitted_request(client_name=f"Client {letter}{number}")
        with CaptureQueriesContext(connection) as queries:
            listed(call)
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- Send one for a contact -------------------------------------------------------------------------------------------


def test_a_request_for_a_contact_is_confirmed_by_the_contact_from_the_mail(call):
    answer = call("POST", "requests", NEW)
    assert answer.status_code == 201, answer.text
    uid = answer.json()["uid"]
    assert (answer.json()["status"], answer.json()["program"]) == ("unconfirmed", str(call.client.uid))
    assert answer.json()["scenario"] == "client_credentials"
    entry = Entry.objects.first()
    assert (entry.action, entry.actor_id) == ("registration.requested", call.client.audit_id)
    assert listed(call) == []

    assert outbox.deliver(mail_id=Mail.objects.get(to="an@leiestroom.example").pk, now=timezone.now())
    (sent,) = [message for message in outgoing.outbox if message.to == ["an@leiestroom.example"]]
    assert "The Security team filled in a request" in sent.body
    (page,) = re.findall(r"http://testserver(/request/\S+)", sent.body)
    code = re.findall(r"^\s+([0-9 ]{6,7})$", sent.body, re.MULTILINE)[0].strip()
    contact = Browser()
    assert "Meterstanden" in contact.get(page).text
    assert contact.post(page, {"code": code}).status_code == 302
    assert listed(call) == [uid]
    assert Registration.objects.get(uid=uid).requester.email == "an@leiestroom.example"


def test_another_program_sees_no_unconfirmed_request(call, calls):
    uid = call("POST", "requests", NEW).json()["uid"]
    other = calls("keydesk.requests.read", "keydesk.requests.write")
    assert call("GET", f"requests/{uid}").status_code == 200
    assert other("GET", f"requests/{uid}").status_code == 404
    assert call("POST", f"requests/{uid}/messages", {"text": "Hello there"}).status_code == 404


def test_a_page_of_a_request_that_no_program_filled_in_stays_with_its_browser(call):
    registration = client_requests.submit(
        content=factories.content(), language="en", by=factories.SYSTEM, now=timezone.now()
    )
    assert Browser().get(f"/request/{registration.uid}/confirm/").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scenario", "authorization_code"),
        ("contact_email", "nobody"),
        ("client_name", "\u202e"),
        ("purpose", "-----BEGIN PRIVATE KEY-----"),
        ("scopes", ["no.such"]),
        ("scopes", []),
        ("organisation", ""),
        ("colour", "red"),
        ("language", "xx"),
    ],
)
def test_the_fields_are_checked_as_the_pages_are(call, field, value):
    answer = call("POST", "requests", NEW | {field: value})
    assert (answer.status_code, answer.json()["code"]) == (422, "fields_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Registration.objects.exists()


def test_an_address_gets_only_so_many_codes(call):
    answers = [call("POST", "requests", NEW) for _ in range(11)]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] in ("too_many_codes", "too_many_codes_before")


# --- Write, recommend -------------------------------------------------------------------------------------------------


def test_a_message_reaches_the_contact_as_the_security_teams(call):
    registration = submitted_request()
    answer = call("POST", f"requests/{registration.uid}/messages", {"text": "Which addresses do you need?"})
    assert (answer.status_code, answer.json()["by"]) == (201, "program")
    assert Entry.objects.first().actor_id == call.client.audit_id
    assert Mail.objects.filter(kind=Mail.Kind.NEW_MESSAGE, registration=registration).count() == 1
    contact = browsers.of(wim()).get(f"/requests/{registration.uid}/").text
    assert "Which addresses do you need?" in contact
    assert "Security team" in contact
    assert call.client.name not in contact
    assert "Program of the Security team" in signed_in(noor()).get(f"/security/requests/{registration.uid}/").text


def test_a_program_writes_only_so_many_messages_an_hour(call):
    registration = submitted_request()
    url = f"requests/{registration.uid}/messages"
    answers = [call("POST", url, {"text": f"Question {number}?"}).status_code for number in range(11)]
    assert answers == [201] * 10 + [429]


def test_a_recommendation_is_for_the_reviewers_alone(call):
    registration = submitted_request()
    assert recommend(call, registration).status_code == 204
    entry = Entry.objects.first()
    assert (entry.action, entry.actor_id, entry.note) == (
        "registration.recommended", call.client.audit_id, "Contract 4711 is valid."
    )  # fmt: skip
    assert entry.changes["recommendation"] == [None, "approve"]
    page = signed_in(noor()).get(f"/security/requests/{registration.uid}/").text
    assert "Approve. Contract 4711 is valid." in page
    assert "Contract 4711" not in browsers.of(wim()).get(f"/requests/{registration.uid}/").text
    registration.refresh_from_db()
    assert registration.status == "submitted"


def test_a_recommendation_needs_the_state_that_was_read_and_a_review_that_waits(call):
    registration = submitted_request()
    assert recommend(call, registration, **{"If-Match": ""}).status_code == 428
    assert recommend(call, registration, **{"If-Match": '"x"'}).status_code == 412
    review.reject(
        registration=registration, message="No", seen=registration.content_hash, by=by(bram()), now=timezone.now()
    )
    answer = recommend(call, registration)
    assert (answer.status_code, answer.json()["code"]) == (409, "request_not_waiting")


@pytest.mark.parametrize("act", ["approve", "reject", "confirm"])
def test_a_program_decides_nothing(call, act):
    registration = submitted_request()
    before = Entry.objects.count()
    answer = call("POST", f"requests/{registration.uid}/{act}", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "needs_a_person")
    registration.refresh_from_db()
    assert (registration.status, Entry.objects.count()) == ("submitted", before)


def test_no_act_lets_a_program_review(call):
    registration = submitted_request()
    actor = Actor(client=call.client, for_team=True)
    for decide in (review.reject, review.request_changes):
        with pytest.raises(Refusal, match="not_a_reviewer"):
            decide(
                registration=registration, message="x", seen=registration.content_hash, by=actor,
                now=timezone.now() + timedelta(hours=1),
            )  # fmt: skip
