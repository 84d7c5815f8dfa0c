"""The review page: what was asked, the decision, four eyes, and what happens when the request changed meanwhile."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from audit.actions import Action
from audit.models import Entry
from clients.acts import client_requests, lifecycle
from clients.models import Client, Mail, Registration, User
from tests.portal.support.html import without_breaks
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db


def url(registration: Registration) -> str:
    return reverse("security:review", args=[registration.uid])


def decide(registration: Registration, decision: str, by: User | None = None, **fields: object):
    data = {"seen": registration.content_hash, "decision": decision, "scopes": ["address.read"], **fields}
    return signed_in(by or factories.noor()).post(url(registration), data)


def test_the_page_shows_their_words_facts_scopes_and_history(now) -> None:
    registration = factories.submitted_request(now)
    text = without_breaks(signed_in(factories.noor()).get(url(registration)).text)
    for words in (
        "We calculate wages for 140 employers",
        "wim@rekenhuis.example",
        "address.read",
        "First client of this",
    ):
        assert words in text
    assert f"confirmed the request {registration.number} Loonverwerking-koppeling" in strip_tags(text)
    assert "<b>A visitor</b>" in text, "asked for it, before the address was confirmed"
    order = [text.index(part) for part in ("What they ask", 'name="scopes"', "<h2>Signals", "Your decision")]
    assert order == sorted(order), "on a phone, one below the other"


def test_approving_makes_the_client_with_the_ticked_scopes_and_defaults(now) -> None:
    scopes = (factories.scope(), factories.scope("parcel.read"))
    registration = factories.submitted_request(now, scopes=scopes)
    ticked = ["address.read", "parcel.read"]
    response = decide(registration, "approve", scopes=ticked, defaults=["parcel.read"])
    assert response.url == reverse("security:queue")
    client = Client.objects.get()
    granted = dict(client.client_scopes.values_list("scope__name", "is_default"))
    assert granted == {"address.read": False, "parcel.read": True}
    assert Mail.objects.filter(kind=Mail.Kind.CLIENT_READY, to="wim@rekenhuis.example").exists()


def test_leaving_a_scope_out_needs_a_word_to_the_contact(now) -> None:
    scopes = (factories.scope(), factories.scope("parcel.read"))
    registration = factories.submitted_request(now, scopes=scopes)
    response = decide(registration, "approve")
    assert response.status_code == 422
    assert "Tell the contact why you leave scopes out" in response.content.decode()
    assert not Client.objects.exists()
    assert decide(registration, "approve", message="Not needed for this.").status_code == 302
    assert registration.messages.get().text == "Not needed for this."


def test_a_scope_that_is_not_granted_is_no_default_scope(now) -> None:
    scopes = (factories.scope(), factories.scope("parcel.read"))
    registration = factories.submitted_request(now, scopes=scopes)
    decide(registration, "approve", defaults=["address.read", "parcel.read"], message="Not needed.")
    assert dict(Client.objects.get().client_scopes.values_list("scope__name", "is_default")) == {"address.read": True}


@pytest.mark.parametrize(("decision", "status"), [("changes", "changes_requested"), ("reject", "rejected")])
def test_asking_for_changes_and_rejecting_need_a_reason(now, decision, status) -> None:
    registration = factories.submitted_request(now)
    assert decide(registration, decision).status_code == 422
    assert decide(registration, decision, message="We need to know more.").status_code == 302
    registration.refresh_from_db()
    assert registration.status == status


def test_a_request_changed_meanwhile_is_shown_again_with_what_was_typed(now) -> None:
    registration = factories.submitted_request(now)
    seen = registration.content_hash
    Registration.objects.filter(pk=registration.pk).update(purpose="Something else entirely.")
    response = decide(registration, "reject", seen=seen, message="Too vague.")
    text = response.content.decode()
    assert response.status_code == 409
    assert "The request changed while you read it" in text
    assert "Something else entirely." in text
    assert "Too vague." in text
    registration.refresh_from_db()
    assert f'name="seen" value="{registration.content_hash}"' in text
    assert registration.status == Registration.Status.SUBMITTED


def test_who_comes_second_is_told_that_it_was_decided(now) -> None:
    registration = factories.submitted_request(now)
    decide(registration, "reject", message="No.")
    response = decide(registration, "approve", by=factories.bram())
    assert response.status_code == 409
    assert "decided already" in response.content.decode()
    assert not Client.objects.exists()


def test_a_decided_request_waits_for_no_owner_and_offers_no_keys_for_a_decision(now) -> None:
    registration = factories.submitted_request(now)
    factories.api_owner()
    reader, words = signed_in(factories.bram()), ("Still to decide:", "choose Approve", "take, or give back")
    waiting = reader.get(url(registration)).text
    assert all(text in waiting for text in words)
    decide(registration, "reject", message="No.")
    decided = reader.get(url(registration)).text
    assert not any(text in decided for text in words)
    assert "next, previous request" in decided


def test_the_words_of_who_comes_second_are_not_lost(now) -> None:
    registration = factories.submitted_request(now)
    decide(registration, "changes", message="Why?")
    text = decide(registration, "reject", by=factories.bram(), message="A page of <reasons>.").content.decode()
    assert "Your decision was not recorded" in text
    assert "A page of &lt;reasons&gt;.</textarea>" in text.replace("\n", "")
    assert "One answer needs your attention" not in text


def test_a_request_that_nobody_answers_does_not_wait_for_ever(now) -> None:
    """While it waited, the other contacts of a client could not ask for a change."""
    client, _secret = factories.client()
    lotte, content = factories.by(factories.lotte()), factories.content()
    registration = client_requests.propose_change(client=client, content=content, by=lotte, now=now)
    decide(registration, "changes", message="Why?")
    page = signed_in(factories.bram()).get(url(registration)).content.decode()
    assert "No answer?" in page
    refused = decide(registration, "unanswered", by=factories.bram())
    assert refused.status_code == 422
    assert "why you reject" in refused.content.decode()
    assert "Your decision was not recorded" not in refused.content.decode()
    assert decide(registration, "unanswered", by=factories.bram(), message="No answer in a month.").status_code == 302
    registration.refresh_from_db()
    assert registration.status == Registration.Status.REJECTED
    assert Mail.objects.filter(kind=Mail.Kind.REQUEST_REJECTED, to=factories.lotte().email).exists()
    client_requests.propose_change(client=client, content=content, by=lotte, now=now)


def test_what_was_answered_meanwhile_is_not_rejected_as_unanswered(now) -> None:
    registration = factories.submitted_request(now)
    assert decide(registration, "unanswered", message="No answer.").status_code == 422
    registration.refresh_from_db()
    assert registration.status == Registration.Status.SUBMITTED


def test_who_asked_cannot_decide(now) -> None:
    noor = factories.noor()
    registration = factories.submitted_request(now, contact_email=noor.email)
    text = signed_in(noor).get(url(registration)).content.decode()
    assert "You asked for this client yourself" in text
    assert 'name="decision"' not in text
    assert decide(registration, "approve", by=noor).status_code == 409
    assert not Client.objects.exists()


def test_a_sensitive_scope_needs_two_people(now) -> None:
    registration = factories.submitted_request(now, scopes=(factories.scope("nrn", sensitive=True),))
    decide(registration, "approve", scopes=["nrn"])
    assert not Client.objects.exists()
    again = decide(Registration.objects.get(), "approve", scopes=["nrn"])
    assert again.status_code == 422  # the choice is not offered to whoever gave the first approval
    decide(Registration.objects.get(), "approve", by=factories.bram(), scopes=["nrn"])
    assert Client.objects.get().scopes.get().name == "nrn"


def test_the_second_approval_adds_no_sensitive_scope_to_the_first(now) -> None:
    scopes = tuple(factories.scope(name, sensitive=True) for name in ("nrn", "health"))
    registration = factories.submitted_request(now, scopes=scopes)
    decide(registration, "approve", scopes=["nrn"], message="Health is not needed.")
    response = decide(Registration.objects.get(), "approve", by=factories.bram(), scopes=["nrn", "health"])
    assert response.status_code == 409
    assert "The first approval left out a sensitive scope" in response.content.decode()
    assert not Client.objects.exists()


def test_a_change_request_is_shown_as_a_difference(now) -> None:
    client, _secret = factories.client()
    new = factories.content(
        client_name="New name", organisation=client.organisation, purpose="", scopes=(factories.scope("parcel.read"),)
    )
    lotte = factories.by(factories.lotte())
    registration = client_requests.propose_change(client=client, content=new, by=lotte, now=now)
    text = signed_in(factories.noor()).get(url(registration)).content.decode()
    assert "What would change" in text
    assert client.name in text
    assert text.index("address.read") < text.index("parcel.read")


def test_a_change_of_a_client_that_was_closed_meanwhile_is_not_approved(now) -> None:
    client, _secret = factories.client()
    new, lotte = factories.content(client_name="New name"), factories.by(factories.lotte())
    registration = client_requests.propose_change(client=client, content=new, by=lotte, now=now)
    lifecycle.close(client=client, reason="x", by=factories.SYSTEM, now=now)
    registration = Registration.objects.get()
    response = decide(registration, "approve", message="Fine.")
    assert response.status_code == 409
    assert "closed for good" in response.content.decode()
    assert Client.objects.get().name == client.name
    assert decide(registration, "reject", message="The client is closed.").status_code == 302


def test_a_message_reaches_the_contact_and_the_log_and_nothing_else(now) -> None:
    registration = factories.submitted_request(now)
    browser = signed_in(factories.noor())
    browser.post(reverse("security:write_message", args=[registration.uid]), {"text": "Which employers?"})
    registration.refresh_from_db()
    assert registration.messages.get().text == "Which employers?"
    assert registration.status == Registration.Status.SUBMITTED
    assert Mail.objects.filter(kind=Mail.Kind.NEW_MESSAGE, to="wim@rekenhuis.example").count() == 1
    assert Entry.objects.first().action == Action.REGISTRATION_COMMENTED
    assert browser.post(reverse("security:write_message", args=[registration.uid]), {"text": " "}).status_code == 422


def test_their_words_cannot_become_part_of_the_page(now) -> None:
    nasty = "<script>alert(1)</script>\u202eevil"
    registration = factories.submitted_request(now, purpose=nasty, client_name=nasty, organisation=nasty)
    text = signed_in(factories.noor()).get(url(registration)).content.decode()
    assert "<script>alert" not in text
    assert "\u202e" not in text


def test_an_unconfirmed_request_is_not_there(now) -> None:
    registration = client_requests.submit(content=factories.content(), language="en", by=factories.SYSTEM, now=now)
    assert signed_in(factories.noor()).get(url(registration)).status_code == 404


@pytest.mark.parametrize("person", [factories.ada, factories.lotte, factories.wim])
def test_the_review_page_is_not_there_for_others(now, person) -> None:
    registration = factories.submitted_request(now)
    browser = signed_in(person())
    assert browser.get(url(registration)).status_code == 404
    assert browser.post(url(registration), {"decision": "approve"}).status_code == 404
    assert browser.post(reverse("security:write_message", args=[registration.uid]), {"text": "x"}).status_code == 404


def test_ten_scopes_take_no_more_queries_than_one(now) -> None:
    counts = []
    browser = signed_in(factories.noor())
    for scopes in ((factories.scope(),), tuple(factories.scope(f"s{number}.read") for number in range(10))):
        registration = factories.submitted_request(now, scopes=scopes)
        browser.get(url(registration))
        with CaptureQueriesContext(connection) as queries:
            browser.get(url(registration))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_who_changes_the_language_beside_an_error_is_led_to_the_request(now) -> None:
    """The message's own address answered a blank page to anything but a message."""
    uid, browser = factories.submitted_request().uid, signed_in(factories.noor())
    message = reverse("security:write_message", args=[uid])
    assert browser.post(message, {"text": ""}).status_code == 422
    answer = browser.post(reverse("account:set_language"), {"language": "nl", "next": message}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("security:review", args=[uid])
