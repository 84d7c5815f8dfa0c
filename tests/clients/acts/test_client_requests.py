"""From the form to the decision: four eyes, one terminal state, and what the reviewer saw is what is decided on."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import Entry
from clients.access import one_time_codes
from clients.actors import Actor
from clients.acts import client_requests, review
from clients.mail.rendering import render
from clients.models import Client, ClientContact, Mail, Registration, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, bram, by, client, content, lotte, noor, scope, submitted_request

pytestmark = pytest.mark.django_db

Status = Registration.Status
ANONYMOUS = Actor(address="192.0.2.9", request_id="test", system="anonymous")


def approve(registration, *, reviewer=None, scopes=None, defaults=(), seen=None, message=""):
    return review.approve(
        registration=registration,
        scopes=scopes if scopes is not None else [row.scope for row in registration.asked.all()],
        defaults=defaults,
        message=message,
        seen=seen or registration.content_hash,
        by=by(reviewer or noor()),
        now=NOW,
    )


def test_a_request_reaches_the_queue_only_after_the_mailed_code():
    registration = client_requests.submit(content=content(), language="nl", by=ANONYMOUS, now=NOW)
    assert not Registration.objects.awaiting_review().exists()
    mail = Mail.objects.get()
    assert (mail.kind, mail.to, mail.language) == (Mail.Kind.CODE, "wim@rekenhuis.example", "nl")

    code = one_time_codes.value(registration.codes.get())
    confirmed = client_requests.confirm(
        registration=registration, typed=f" {code[:3]} {code[3:]} ", by=ANONYMOUS, now=NOW
    )

    assert Registration.objects.awaiting_review().get().requester == confirmed.user
    assert confirmed.user.email == "wim@rekenhuis.example"


def test_a_wrong_code_is_counted_and_the_fifth_ends_the_code():
    registration = client_requests.submit(content=content(), language="en", by=ANONYMOUS, now=NOW)
    code = one_time_codes.value(registration.codes.get())
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for attempt in range(5):
        with pytest.raises(one_time_codes.CodeRefused) as refused:
            client_requests.confirm(registration=registration, typed=wrong, by=ANONYMOUS, now=NOW)
        assert refused.value.tries_left == 4 - attempt
    with pytest.raises(one_time_codes.CodeRefused):
        client_requests.confirm(registration=registration, typed=code, by=ANONYMOUS, now=NOW)


def test_a_code_ends_after_ten_minutes():
    registration = client_requests.submit(content=content(), language="en", by=ANONYMOUS, now=NOW)
    code = one_time_codes.value(registration.codes.get())
    with pytest.raises(one_time_codes.CodeRefused):
        client_requests.confirm(
            registration=registration, typed=code, by=ANONYMOUS, now=NOW + timedelta(minutes=10, seconds=1)
        )


def test_a_newer_code_replaces_the_older_one():
    registration = client_requests.submit(content=content(), language="en", by=ANONYMOUS, now=NOW)
    old = one_time_codes.value(registration.codes.get())
    client_requests.mail_code(registration=registration, now=NOW + timedelta(seconds=1))
    new = one_time_codes.value(registration.codes.latest("created_at"))
    assert old != new
    with pytest.raises(one_time_codes.CodeRefused):
        client_requests.confirm(registration=registration, typed=old, by=ANONYMOUS, now=NOW + timedelta(seconds=2))
    client_requests.confirm(registration=registration, typed=new, by=ANONYMOUS, now=NOW + timedelta(seconds=2))


def test_approval_makes_the_client_its_owner_its_secret_and_one_mail():
    read, write = scope("address.read"), scope("address.write")
    registration = submitted_request(scopes=(read, write))
    Mail.objects.all().delete()

    made = approve(registration, scopes=[read], defaults=[read], message="Write was not needed.")

    assert list(made.scopes.all()) == [read]
    assert made.client_scopes.get().is_default
    assert made.contacts.get().role == ClientContact.Role.OWNER
    assert made.secrets.current().count() == 1
    assert Mail.objects.get().kind == Mail.Kind.CLIENT_READY
    assert {row.scope.name: row.granted for row in registration.asked.all()} == {
        "address.read": True,
        "address.write": False,
    }
    assert Entry.objects.filter(action="registration.approved").count() == 1


def test_who_asked_cannot_approve():
    asker = noor()
    registration = submitted_request(contact_email=asker.email)
    with pytest.raises(Refusal, match=Code.OWN_REQUEST):
        approve(registration, reviewer=asker)
    assert approve(registration, reviewer=bram())


@pytest.mark.parametrize("who", [lotte, factories.ada])
def test_only_the_security_team_decides(who):
    with pytest.raises(Refusal, match=Code.NOT_A_REVIEWER):
        approve(submitted_request(), reviewer=who())


def test_a_request_that_changed_while_it_was_read_is_not_decided():
    registration = submitted_request()
    seen = registration.content_hash
    Registration.objects.filter(pk=registration.pk).update(purpose="Something else altogether.")
    with pytest.raises(Refusal, match=Code.REQUEST_CHANGED):
        approve(registration, seen=seen)
    assert Client.objects.count() == 0


def test_a_decided_request_is_not_decided_again():
    registration = submitted_request()
    approve(registration)
    with pytest.raises(Refusal, match=Code.REQUEST_NOT_WAITING):
        review.reject(registration=registration, message="No", seen=registration.content_hash, by=by(bram()), now=NOW)
    assert Registration.objects.get().status == Status.APPROVED


def test_only_scopes_that_were_asked_for_can_be_granted():
    registration = submitted_request(scopes=(scope("address.read"),))
    with pytest.raises(Refusal, match=Code.SCOPE_NOT_ASKED_FOR):
        approve(registration, scopes=[scope("person.read")])


def test_a_default_scope_must_be_granted():
    read, write = scope("address.read"), scope("address.write")
    registration = submitted_request(scopes=(read, write))
    with pytest.raises(Refusal, match=Code.DEFAULT_NOT_GRANTED):
        approve(registration, scopes=[read], defaults=[write])


def test_a_second_account_of_the_same_mailbox_is_no_second_reviewer():
    """Two rows for one mailbox: written in the database itself, because the acts make one account per mailbox."""
    registration = submitted_request(scopes=(scope("person.nrn.read", sensitive=True),))
    assert approve(registration) is None
    twin = factories.person("twin@keydesk.example", "Noor", User.Role.SECURITY)
    User.objects.filter(pk=twin.pk).update(email="noor+work@keydesk.example")
    twin.refresh_from_db()
    with pytest.raises(Refusal, match=Code.SAME_REVIEWER):
        approve(Registration.objects.get(), reviewer=twin)


def test_a_sensitive_scope_needs_two_reviewers():
    registration = submitted_request(scopes=(scope("person.nrn.read", sensitive=True),))
    assert approve(registration, reviewer=noor()) is None
    assert Client.objects.count() == 0
    with pytest.raises(Refusal, match=Code.SAME_REVIEWER):
        approve(registration, reviewer=noor())
    assert approve(registration, reviewer=bram()).scopes.get().name == "person.nrn.read"


def test_changes_asked_go_back_to_the_contact_and_come_back_to_the_queue():
    registration = submitted_request()
    review.request_changes(
        registration=registration, message="Why?", seen=registration.content_hash, by=by(noor()), now=NOW
    )
    assert not Registration.objects.awaiting_review().exists()
    assert Mail.objects.filter(kind=Mail.Kind.CHANGES_REQUESTED).count() == 1

    client_requests.resubmit(
        registration=registration,
        content=content(purpose="Because of the wage letters."),
        by=by(factories.wim()),
        now=NOW,
    )
    assert Registration.objects.awaiting_review().get().purpose == "Because of the wage letters."
    entry = Entry.objects.get(action="registration.resubmitted")
    assert entry.changes["purpose"][1] == "Because of the wage letters."


def test_the_database_forbids_deciding_on_ones_own_request_or_twice() -> None:
    registration, owned = submitted_request(), client()[0]
    rows = Registration.objects.filter(pk=registration.pk)
    with pytest.raises(IntegrityError, match="nobody_decides_on_their_own_request"), transaction.atomic():
        rows.update(status="rejected", decided_by=registration.requester)
    twice = {"status": "approved", "client": owned, "endorsed_by": noor(), "decided_by": noor()}
    with pytest.raises(IntegrityError, match="two_approvals_are_by_two_people"), transaction.atomic():
        rows.update(**twice)
    assert rows.update(**twice | {"decided_by": bram()}) == 1


def test_ones_own_requests_are_found_without_reading_those_of_others():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # on so few rows PostgreSQL would read them all
    assert "Seq Scan on clients_registration" not in Registration.objects.by(lotte()).explain()


def test_a_person_writes_ten_messages_an_hour_about_a_request():
    asked, now = submitted_request(), NOW
    writers = [by(asked.person), by(noor())]
    for writer in writers:
        for number in range(client_requests.MESSAGES_PER_HOUR):
            client_requests.comment(registration=asked, text=f"{number}", by=writer, now=now)
        with pytest.raises(Refusal, match=Code.TOO_MANY_MESSAGES):
            client_requests.comment(registration=asked, text="one more", by=writer, now=now + timedelta(minutes=59))
    assert Entry.objects.filter(action="registration.commented").count() == 2 * client_requests.MESSAGES_PER_HOUR
    client_requests.comment(registration=asked, text="later", by=writers[0], now=now + timedelta(minutes=61))


def test_a_client_of_a_member_of_staff_is_approved_without_a_link():
    bram()
    approve(asked := submitted_request(contact_email="bram@keydesk.example"))
    mail = Mail.objects.get(kind=Mail.Kind.CLIENT_READY)
    assert (mail.link, asked.person.links.count()) == (None, 0)
    assert "With this link" not in render(mail, now=NOW).body
