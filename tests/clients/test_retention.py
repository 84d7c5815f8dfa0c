"""Data of strangers and mails is deleted after a while; data still in use is not."""

from datetime import timedelta

import pytest

from audit.actions import Action
from audit.models import Entry
from clients import retention
from clients.access import management_links, networks, one_time_codes
from clients.acts import client_requests
from clients.mail import outbox
from clients.models import Mail, MailedCode, ManagementLink, Proposal, Registration
from tests.support.factories import NOW, SYSTEM, client, content, lotte, proposed_contact, submitted_request

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def unconfirmed(now=NOW) -> Registration:
    return client_requests.submit(content=content(), language="en", by=SYSTEM, now=now)


def test_an_unconfirmed_request_is_forgotten_after_a_week_with_its_mail():
    unconfirmed()
    retention.delete_expired(now=NOW + retention.UNCONFIRMED_KEPT)
    assert Registration.objects.count() == 1
    retention.delete_expired(now=NOW + retention.UNCONFIRMED_KEPT + MINUTE)
    assert not Registration.objects.exists()
    assert not MailedCode.objects.exists()
    assert not Mail.objects.exists()


def test_the_change_log_has_nothing_a_stranger_typed_until_confirmed():
    registration = unconfirmed()
    (entry,) = Entry.objects.with_action(Action.REGISTRATION_REQUESTED).values()
    typed = content().texts
    assert not [text for text in typed.values() if text in str(entry)]
    code = registration.codes.get()
    client_requests.confirm(registration=registration, typed=one_time_codes.value(code), by=SYSTEM, now=NOW)
    confirmed = Entry.objects.with_action(Action.REGISTRATION_CONFIRMED).get()
    assert confirmed.changes == {
        "client_name": [None, typed["client_name"]],
        "organisation": [None, typed["organisation"]],
        "purpose": [None, typed["purpose"]],
        "email": [None, typed["contact_email"]],
        "scopes": [None, "address.read"],
    }


def test_a_request_that_was_confirmed_stays():
    submitted_request()
    retention.delete_expired(now=NOW + timedelta(days=365))
    assert Registration.objects.count() == 1


def test_a_request_for_which_a_new_code_was_mailed_waits_for_it():
    registration, late = unconfirmed(), NOW + retention.UNCONFIRMED_KEPT
    client_requests.mail_code(registration=registration, now=late)
    retention.delete_expired(now=late + MINUTE)
    code = registration.codes.order_by("-created_at").first()
    client_requests.confirm(registration=registration, typed=one_time_codes.value(code), by=SYSTEM, now=late + MINUTE)


def test_links_and_codes_are_forgotten_with_their_mails_after_a_month():
    outbox.queue_link(user=lotte(), now=NOW)
    code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=lotte().email, user=lotte(), now=NOW)
    outbox.queue_code(code=code, language="en", now=NOW)
    Mail.objects.update(state=Mail.State.SENT, sent_at=NOW)
    end = ManagementLink.objects.get().expires_at
    retention.delete_expired(now=end + retention.ENDED_KEPT)
    assert (ManagementLink.objects.count(), MailedCode.objects.count()) == (1, 0)
    retention.delete_expired(now=end + retention.ENDED_KEPT + MINUTE)
    assert not ManagementLink.objects.exists()
    assert not Mail.objects.exists()


def test_an_undelivered_mail_is_shown_for_as_long_as_any_mail_is_kept():
    outbox.queue_link(user=lotte(), kind=Mail.Kind.CLIENT_READY, now=NOW)
    Mail.objects.update(state=Mail.State.FAILED)
    retention.delete_expired(now=NOW + retention.MAIL_KEPT)
    assert Mail.objects.undeliverable().count() == 1
    retention.delete_expired(now=NOW + retention.MAIL_KEPT + MINUTE)
    assert not Mail.objects.exists()
    assert not ManagementLink.objects.exists()


def test_a_mail_that_waits_is_never_forgotten():
    outbox.queue(kind=Mail.Kind.PASSKEY_CHANGED, to=lotte().email, user=lotte(), now=NOW)
    retention.delete_expired(now=NOW + timedelta(days=365))
    assert Mail.objects.count() == 1


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_everything_goes_however_much_there_is(monkeypatch, batch):
    monkeypatch.setattr(retention, "BATCH", batch)
    for _ in range(5):
        management_links.issue(user=lotte(), now=NOW)
    retention.delete_expired(now=NOW + timedelta(days=365))
    assert not ManagementLink.objects.exists()


def test_the_privacy_page_says_how_long(client):
    text = client.get("/privacy/").content.decode()
    for kept in (retention.UNCONFIRMED_KEPT, retention.ENDED_KEPT, retention.MAIL_KEPT):
        assert f"for {kept.days} days" in text


def test_a_network_is_forgotten_half_a_year_after_the_last_act_from_it():
    for days, address in ((181, "193.190.44.18"), (179, "81.246.7.140")):
        networks.see(user=lotte(), address=address, now=NOW - timedelta(days=days))
    retention.delete_expired(now=NOW)
    assert [row.network for row in lotte().networks.all()] == ["81.246.7.0/24"]


def test_a_proposal_and_the_address_in_it_are_forgotten_after_its_end():
    made, _secret = client()
    proposal = proposed_contact(made)
    retention.delete_expired(now=proposal.void_at + retention.PROPOSAL_KEPT)
    assert Proposal.objects.count() == 1
    retention.delete_expired(now=proposal.void_at + retention.PROPOSAL_KEPT + MINUTE)
    assert not Proposal.objects.exists()
