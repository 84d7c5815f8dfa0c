"""The reference of an organisation: optional, and wherever a request or a client is shown, mailed or decided on."""

import csv
import io
import json

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse

from audit.models import Entry
from clients.mail.rendering import render
from clients.models import Client, Mail, Registration
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db

REFERENCE = "4711/2026"


def last(action: str) -> dict[str, list[object]]:
    return Entry.objects.with_action(action)[0].changes


def approve(asked: Registration) -> None:
    data = {"decision": "approve", "seen": asked.content_hash, "scopes": ["address.read"], "defaults": ["address.read"]}
    answer = signed_in(factories.noor()).post(reverse("security:review", args=[asked.uid]), data | {"message": ""})
    assert answer.status_code == 302


def said(kind: Mail.Kind, now) -> list[bool]:
    text = render(Mail.objects.filter(kind=kind).latest("created_at"), now=now, code="123456", link_url="https://x/")
    return [f"Your reference: {REFERENCE}" in " ".join(part.split()) for part in (text.body, text.html)]


def test_the_form_takes_it_and_does_not_insist(client: Browser) -> None:
    factories.scope()
    texts = {**factories.content(scenario="client_credentials").texts, "scopes": ["address.read"]}
    address = reverse("public:request_client")
    for reference, kept in (("", ""), (f" {REFERENCE} ", REFERENCE)):
        assert client.post(address, {**texts, "reference": reference}).status_code == 302
        assert Registration.objects.latest("pk").reference == kept
    for wrong, words in (
        ("7" * 61, "at most 60 characters"),
        ("www.evil.example", "address"),
        ("4\u202e7", "invisible"),
    ):
        answer = client.post(address, {**texts, "reference": wrong})
        assert (answer.status_code, words in answer.text) == (422, True)


def test_pages_mails_and_the_change_log_have_it_from_request_to_client(now) -> None:
    asked = factories.submitted_request(now, reference=REFERENCE)
    assert last("registration.confirmed")["reference"] == [None, REFERENCE]
    assert said(Mail.Kind.CODE, now) == [False, False], "what a stranger typed stays out of it"
    assert said(Mail.Kind.REQUEST_RECEIVED, now) == [True, True]
    contact, reviewer = browsers.of(asked.person), signed_in(factories.noor())
    for browser, page in ((contact, "contact:request"), (reviewer, "security:review")):
        assert REFERENCE in browser.get(reverse(page, args=[asked.uid])).text

    approve(asked)
    made = Client.objects.get(registrations=asked)
    assert made.reference == REFERENCE
    assert last("registration.approved")["reference"] == [None, REFERENCE]
    assert said(Mail.Kind.CLIENT_READY, now) == [True, True]
    for browser, page in ((contact, "contact:client"), (reviewer, "security:client")):
        assert REFERENCE in browser.get(reverse(page, args=[made.uid])).text
    exported = b"".join(reviewer.post(reverse("security:export_clients"))).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(exported))
    assert row["Reference of the organisation"] == REFERENCE


def test_a_change_of_it_alone_is_a_change(now) -> None:
    wim = factories.wim()
    made, _secret = factories.client(contact=wim)
    content = {**made.texts, "reason": "A new order", "scopes": [scope.name for scope in made.scopes.all()]}
    answer = browsers.of(wim).post(
        reverse("contact:propose_change", args=[made.uid]), content | {"reference": REFERENCE}
    )
    assert answer.status_code == 302
    asked = Registration.objects.get(client=made)
    shown = " ".join(signed_in(factories.noor()).get(reverse("security:review", args=[asked.uid])).text.split())
    assert "<dt>Reference of the organisation</dt>" in shown
    assert last("registration.requested")["reference"] == [None, REFERENCE]
    seen = asked.content_hash
    asked.reference = ""
    assert asked.content_hash != seen


def test_an_operator_gives_it_to_a_client(now) -> None:
    factories.scope()
    told = ("--name", "Meters", "--contact", "wim@rekenhuis.example", "--scope", "address.read", "--json")
    out = io.StringIO()
    call_command("create_client", *told, "--reference", REFERENCE, stdout=out)
    assert Client.objects.get(client_id=json.loads(out.getvalue())["client_id"]).reference == REFERENCE
    assert last("client.created")["reference"] == [None, REFERENCE]
    with pytest.raises(SystemExit):
        call_command("create_client", *told[:-1], "--reference", "www.evil.example")
