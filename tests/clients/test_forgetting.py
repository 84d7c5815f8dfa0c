"""What strangers and mail leave behind does not stay for good; what somebody still needs does."""

from datetime import timedelta

import pytest

from audit.actions import Action
from audit.models import Entry
from clients import codes, forgetting, links, networks, outbox, registrations
from clients.models import Mail, MailedCode, ManagementLink, Proposal, Registration
from tests.factories import NOW, SYSTEM, client, content, lotte, proposed_contact, submitted_request

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def unconfirmed(now=NOW) -> Registration:
    return registrations.submit(content=content(), language="en", by=SYSTEM, now=now)


def test_a_request_that_nobody_confirmed_is_forgotten_after_a_week_with_its_code_and_mail():
    unconfirmed()
    forgetting.forget(now=NOW + forgetting.UNCONFIRMED_KEPT)
    assert Registration.objects.count() == 1
    forgetting.forget(now=NOW + forgetting.UNCONFIRMED_KEPT + MINUTE)
    assert not Registration.objects.exists()
    assert not MailedCode.objects.exists()
    assert not Mail.objects.exists()


def test_of_what_a_stranger_typed_the_change_log_has_nothing_until_it_is_confirmed():
    registration = unconfirmed()
    (entry,) = Entry.objects.with_action(Action.REGISTRATION_REQUESTED).values()
    typed = content()
    assert not [text for text in (typed.client_name, typed.organisation, typed.contact_email) if text in str(entry)]
    code = registration.codes.get()
    registrations.confirm(registration=registration, typed=codes.value(code), by=SYSTEM, now=NOW)
    confirmed = Entry.objects.with_action(Action.REGISTRATION_CONFIRMED).get()
    assert confirmed.changes == {
        "client_name": [None, typed.client_name],
        "organisation": [None, typed.organisation],
        "purpose": [None, typed.purpose],
        "email": [None, typed.contact_email],
        "scopes": [None, "address.read"],
    }


def test_a_request_that_was_confirmed_stays():
    submitted_request()
    forgetting.forget(now=NOW + timedelta(days=365))
    assert Registration.objects.count() == 1


def test_a_request_for_which_a_new_code_was_mailed_waits_for_it():
    registration, late = unconfirmed(), NOW + forgetting.UNCONFIRMED_KEPT
    registrations.mail_code(registration=registration, now=late)
    forgetting.forget(now=late + MINUTE)
    code = registration.codes.order_by("-created_at").first()
    registrations.confirm(registration=registration, typed=codes.value(code), by=SYSTEM, now=late + MINUTE)


def test_links_and_codes_are_forgotten_a_month_after_their_end_with_their_mails():
    outbox.queue_link(user=lotte(), now=NOW)
    code = codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=lotte().email, user=lotte(), now=NOW)
    outbox.queue_code(code=code, language="en", now=NOW)
    Mail.objects.update(state=Mail.State.SENT, sent_at=NOW)
    end = ManagementLink.objects.get().expires_at
    forgetting.forget(now=end + forgetting.ENDED_KEPT)
    assert (ManagementLink.objects.count(), MailedCode.objects.count()) == (1, 0)
    forgetting.forget(now=end + forgetting.ENDED_KEPT + MINUTE)
    assert not ManagementLink.objects.exists()
    assert not Mail.objects.exists()


def test_a_mail_that_could_not_be_delivered_is_shown_for_as_long_as_any_mail_is_kept():
    outbox.queue_link(user=lotte(), kind=Mail.Kind.CLIENT_READY, now=NOW)
    Mail.objects.update(state=Mail.State.FAILED)
    forgetting.forget(now=NOW + forgetting.MAIL_KEPT)
    assert Mail.objects.undeliverable().count() == 1
    forgetting.forget(now=NOW + forgetting.MAIL_KEPT + MINUTE)
    assert not Mail.objects.exists()
    assert not ManagementLink.objects.exists()


def test_a_mail_that_waits_is_never_forgotten():
    outbox.queue(kind=Mail.Kind.PASSKEY_CHANGED, to=lotte().email, user=lotte(), now=NOW)
    forgetting.forget(now=NOW + timedelta(days=365))
    assert Mail.objects.count() == 1


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_everything_goes_however_much_there_is(monkeypatch, batch):
    monkeypatch.setattr(forgetting, "BATCH", batch)
    for _ in range(5):
        links.issue(user=lotte(), now=NOW)
    forgetting.forget(now=NOW + timedelta(days=365))
    assert not ManagementLink.objects.exists()


def test_the_privacy_page_says_how_long(client):
    text = client.get("/privacy/").content.decode()
    for kept in (forgetting.UNCONFIRMED_KEPT, forgetting.ENDED_KEPT, forgetting.MAIL_KEPT):
        assert f"for {kept.days} days" in text


def test_a_network_is_forgotten_half_a_year_after_the_last_act_from_it():
    for days, address in ((181, "193.190.44.18"), (179, "81.246.7.140")):
        networks.see(user=lotte(), address=address, now=NOW - timedelta(days=days))
    forgetting.forget(now=NOW)
    assert [row.network for row in lotte().networks.all()] == ["81.246.7.0/24"]


def test_a_proposal_and_the_address_in_it_are_forgotten_after_its_end():
    made, _secret = client()
    proposal = proposed_contact(made)
    forgetting.forget(now=proposal.void_at + forgetting.PROPOSAL_KEPT)
    assert Proposal.objects.count() == 1
    forgetting.forget(now=proposal.void_at + forgetting.PROPOSAL_KEPT + MINUTE)
    assert not Proposal.objects.exists()
