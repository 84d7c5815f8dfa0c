"""Mail that comes back (RFC 3464): read from a real IMAP box, and what it changes at a contact."""

from __future__ import annotations

import imaplib
import smtplib
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.utils import OperationalError

from audit.models import Entry
from clients import tasks
from clients.access import management_links
from clients.acts.people import bounces, contacts
from clients.mail import bounce_box
from clients.mail.bounces import MAX_BYTES, read
from clients.models import Client, ClientContact, Mail, Notice
from dev.servers.mail import HOST, answers
from dev.servers.processes import start, wait_until
from dev.servers.sockets import free_port
from portal.search.client_search import UNREACHABLE, UNREACHABLE_OWNERS, matching
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, lotte, noor, wim

pytestmark = pytest.mark.django_db

HEADERS, WHOLE = "text/rfc822-headers", "message/rfc822"


def report(
    mail: uuid.UUID, to: str = "lotte@leiestroom.example", *, action: str = "failed", original: str = HEADERS,
    reason: str = "550 5.1.1 No such user", content_type: str = "multipart/report; report-type=delivery-status",
) -> bytes:  # fmt: skip
    """A report as Postfix writes it."""
    return f"""From: MAILER-DAEMON@mx.example
To: keydesk@localhost
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: {content_type}; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {to}
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; {reason}

--b
Content-Type: {original}

Message-ID: <{mail}@localhost>
Subject: Something

--b--
""".replace("\n", "\r\n").encode()


def sent_mail(to: str = "", *, client: Client | None = None) -> Mail:
    user = lotte()
    return Mail.objects.create(
        kind=Mail.Kind.CLIENT_CHANGED, to=to or user.email, user=user, client=client, state=Mail.State.SENT,
        sent_at=NOW, created_at=NOW, next_attempt_at=NOW,
    )  # fmt: skip


def bounce(times: int = 1, *, client: Client | None = None) -> None:
    for number in range(times):
        bounces.take(report(sent_mail(client=client).pk), now=NOW + number * timedelta(hours=1))


@pytest.mark.parametrize("original", [HEADERS, WHOLE])
def test_a_report_names_the_mail_the_address_and_the_reason(original):
    found = read(report(pk := uuid.uuid4(), original=original))
    assert found is not None
    assert (found.mail, found.recipients) == (pk, {"lotte@leiestroom.example"})
    assert found.reason == "smtp; 550 5.1.1 No such user"


def test_a_mail_that_came_back_is_undelivered_with_the_reason_and_noted_once():
    mail = sent_mail()
    for _time in range(2):
        bounces.take(report(mail.pk), now=NOW)
    mail.refresh_from_db()
    assert (mail.state, mail.last_error) == (Mail.State.FAILED, "smtp; 550 5.1.1 No such user")
    assert lotte().bounces == 1
    assert [notice.kind for notice in Notice.objects.all()] == [Notice.Kind.MAIL_BOUNCED]
    assert lotte().unreachable_since is None


def test_the_reason_of_a_report_holds_no_link():
    mail = sent_mail()
    mail.link = management_links.issue(user=lotte(), now=NOW)
    mail.save()
    management_links.activate(mail.link)
    token = management_links.token(mail.link)
    bounces.take(report(mail.pk, reason=f"554 spam: {management_links.url(mail.link)}"), now=NOW)
    mail.refresh_from_db()
    assert "554 spam" in mail.last_error
    assert token not in mail.last_error


def test_after_two_the_contact_is_unreachable_and_the_others_are_mailed():
    client, _secret = factories.client()
    contacts.add(client=client, email=wim().email, name="Wim", role=ClientContact.Role.EDITOR, by=SYSTEM, now=NOW)
    bounce(2, client=client)
    assert lotte().unreachable_since == NOW + timedelta(hours=1)
    (told,) = Mail.objects.filter(kind=Mail.Kind.CONTACT_UNREACHABLE)
    assert (told.to, told.facts["email"]) == (wim().email, lotte().email)
    entry = Entry.objects.of_client(client.audit_client).with_action("client.contact_unreachable").get()
    assert entry.changes["contact"][1] == lotte().audit_label
    assert [row.user for row in client.unreachable_contacts] == [lotte()]
    bounce(2, client=client)
    assert Entry.objects.filter(action="client.contact_unreachable").count() == 1


def test_a_link_that_is_opened_proves_that_mail_arrives():
    client, _secret = factories.client()
    bounce(2, client=client)
    link = management_links.issue(user=lotte(), now=NOW)
    management_links.activate(link)
    management_links.use(management_links.token(link), by_address="192.0.2.7", request_id="test", now=NOW)
    assert (lotte().bounces, lotte().unreachable_since) == (0, None)
    assert not client.unreachable_contacts.exists()


def test_the_team_finds_clients_that_nobody_can_be_reached_for():
    lost, _secret = factories.client()
    half, _secret = factories.client()
    contacts.add(client=half, email=wim().email, name="Wim", role=ClientContact.Role.OWNER, by=SYSTEM, now=NOW)
    fine, _secret = factories.client(contact=wim())
    bounce(2)
    assert set(matching({"contacts": UNREACHABLE}, NOW)) == {lost, half}
    assert set(matching({"contacts": UNREACHABLE_OWNERS}, NOW)) == {lost}
    assert fine in matching({}, NOW)


def test_a_digest_of_the_team_that_comes_back_makes_no_notice():
    mail = sent_mail(noor().email)
    Mail.objects.filter(pk=mail.pk).update(kind=Mail.Kind.TEAM_NOTICES, user=noor())
    bounces.take(report(mail.pk, noor().email), now=NOW)
    assert not Notice.objects.exists()
    assert Mail.objects.get(pk=mail.pk).state == Mail.State.FAILED


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "delayed"},
        {"action": "delivered"},
        {"to": "wim@rekenhuis.example"},
        {"to": ""},
        {"content_type": "multipart/mixed"},
        {"content_type": "multipart/report; report-type=disposition-notification"},
        {"original": "text/plain"},
        {"original": "application/octet-stream"},
    ],
)
def test_what_is_no_failure_of_that_mail_changes_nothing(changed):
    mail = sent_mail()
    bounces.take(report(mail.pk, **changed), now=NOW)
    assert Mail.objects.get(pk=mail.pk).state == Mail.State.SENT
    assert lotte().bounces == 0


def test_reports_on_unknown_unsent_or_other_mail_change_nothing():
    pending = sent_mail()
    Mail.objects.filter(pk=pending.pk).update(state=Mail.State.PENDING)
    bounces.take(report(uuid.uuid4()), now=NOW)
    bounces.take(report(pending.pk), now=NOW)
    bounces.take(report(pending.pk).replace(b"<", b"<x"), now=NOW)
    assert Mail.objects.get().state == Mail.State.PENDING


def deep(levels: int = 3000) -> bytes:
    """Multiparts within multiparts, deeper than Python's stack."""
    head = "Content-Type: multipart/report; report-type=delivery-status; boundary=b0\r\n\r\n"
    parts = (f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(levels))
    return (head + "".join(parts)).encode()


@pytest.mark.parametrize(
    "hostile",
    [
        deep(),
        b"",
        b"\xff\xfe\x00" * 1000,
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n" + b"x" * 2 * MAX_BYTES,
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="' + b"b" * 100_000,
    ],
)
def test_what_is_broken_is_no_report(hostile):
    assert read(hostile) is None


def test_a_report_behind_more_than_is_read_is_none():
    mail = sent_mail()
    text = report(mail.pk)
    padded = text.replace(b"I'm sorry", b"I'm sorry " + b"x" * MAX_BYTES)
    assert read(padded) is None


# --- The mailbox ----------------------------------------------------------------------------------------------------
PASSWORD = "box-password"


@pytest.fixture
def box(tmp_path: Path, settings) -> Iterator[int]:
    """A mail server with SMTP in front and IMAP behind; the value is its SMTP port."""
    smtp, imap = free_port(), free_port()
    command = [sys.executable, "-m", "mail_devel", "--host", HOST, "--user", "keydesk@localhost", "--no-http"]
    command += ["--password", PASSWORD, "--smtp-port", str(smtp), "--imap-port", str(imap)]
    process = start("box", command, log=tmp_path / "box.log")
    try:
        wait_until(lambda: answers(smtp) and answers(imap), process, seconds=60)
        settings.BOUNCE_IMAP_URL = f"imap://keydesk%40localhost:{PASSWORD}@{HOST}:{imap}/INBOX"
        yield smtp
    finally:
        process.stop()


def deliver(port: int, *messages: bytes) -> None:
    with smtplib.SMTP(HOST, port) as server:
        for message in messages:
            server.sendmail("mailer-daemon@mx.example", ["keydesk@localhost"], message)


def test_the_worker_reads_the_box_once_and_nothing_hostile_is_in_its_way(box, settings):
    first, second = sent_mail(), sent_mail()
    huge = b"Subject: Huge\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (MAX_BYTES // 36)
    deliver(
        box, b"Subject: Hello\r\n\r\nI am on holiday.", huge, report(uuid.uuid4()), report(first.pk), report(second.pk)
    )
    tasks.read_bounces()
    assert Mail.objects.filter(state=Mail.State.FAILED).count() == 2
    assert lotte().unreachable_since is not None
    Mail.objects.update(state=Mail.State.SENT)
    tasks.read_bounces()  # all are marked as seen
    assert Mail.objects.filter(state=Mail.State.FAILED).count() == 0


def test_what_met_an_outage_of_the_database_is_read_again(box, settings):
    deliver(box, b"Subject: Hello\r\n\r\nI am on holiday.")

    def away(_message: bytes) -> None:
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        bounce_box.read_new(settings.BOUNCE_IMAP_URL, away)
    seen: list[bytes] = []
    assert bounce_box.read_new(settings.BOUNCE_IMAP_URL, seen.append) == 1
    assert b"on holiday" in seen[0]


def test_a_wrong_password_is_an_error_of_the_task(box, settings):
    settings.BOUNCE_IMAP_URL = settings.BOUNCE_IMAP_URL.replace(PASSWORD, "other")
    with pytest.raises(imaplib.IMAP4.error):
        tasks.read_bounces()


def test_without_a_box_nothing_is_read(settings):
    settings.BOUNCE_IMAP_URL = ""
    tasks.read_bounces()
