"""Outbox: a mail is a row in the act's own transaction, so that none is lost; the worker sends it afterwards.

At least once: a worker that dies between the SMTP server's "250" and our commit sends the mail again. The duplicate is
harmless: it has the same Message-ID and, as links and codes are derived from their row, the same words.
"""

from __future__ import annotations

import smtplib
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import MIMEPart
from email.policy import SMTP
from email.utils import parseaddr
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import QuerySet

from audit import log as change_log
from audit.actions import Action
from clients.access import management_links, one_time_codes
from clients.actors import Actor
from clients.mail import targets
from clients.mail.rendering import render
from clients.models import Client, ClientContact, Mail, MailedCode, ManagementLink, Notice, User
from clients.refusal_codes import Code
from clients.team import notices
from foundation import advisory_locks
from foundation.dispatch import MAX_ATTEMPTS, delay, wake
from foundation.refusals import Refusal

log = structlog.get_logger(__name__)

BUNDLE_DELAY = timedelta(minutes=10)  # harmless acts are collected for one mail
MAX_BUNDLED = 50  # acts in one mail; a further act begins a new mail
MAX_REASON_LENGTH = 4000  # characters of a mail server's answer, cut before it is searched
MAX_SWEPT_MAILS = 200  # in one sweep
SWEEP_TIMEOUT = timedelta(minutes=1)  # the rest is left for the next sweep
SEND_TASK_EXPIRES_S = 60  # by then the sweep has picked the mail up


def queue(*, kind: Mail.Kind, to: str, now: datetime, language: str = "", **about: Any) -> Mail:
    """Write the row, and wake the worker once the transaction has committed."""
    mail = Mail.objects.create(kind=kind, to=to, language=language, created_at=now, next_attempt_at=now, **about)
    wake_worker(mail.pk)
    return mail


def queue_link(*, user: User, kind: Mail.Kind = Mail.Kind.LINK, target: str = "", now: datetime, **about: Any) -> Mail:
    """Mail the person the link they asked for, or an invitation to the staff; older links stop working."""
    link = management_links.issue(user=user, target=target, invitation=kind == Mail.Kind.STAFF_INVITATION, now=now)
    return queue_for(user=user, kind=kind, link=link, now=now, **about)


def queue_for(*, user: User, kind: Mail.Kind, now: datetime, **about: Any) -> Mail:
    """Queue a mail to a known person, in their language."""
    return queue(kind=kind, to=user.email, language=user.language, user=user, now=now, **about)


def queue_code(*, code: MailedCode, language: str, now: datetime, **about: Any) -> Mail:
    return queue(kind=Mail.Kind.CODE, to=code.email, language=language, user=code.user, code=code, now=now, **about)


def queue_for_contacts(
    *, client: Client, kind: Mail.Kind, facts: dict[str, Any], now: datetime, role: ClientContact.Role | None = None
) -> None:
    """Queue a mail to each contact of the client, or to those with this role."""
    for user in contacts_of(client, role):
        queue(kind=kind, to=user.email, language=user.language, user=user, client=client, facts=facts, now=now)


def bundle_for_contacts(*, client: Client, act: dict[str, Any], not_to: User | None, now: datetime) -> None:
    """Add a harmless act to the mail being collected for each contact, or begin one, which waits ten minutes.

    A mail is about the acts of one person on one client. A mail that is being sent is locked, and gets a successor,
    because an act must not wait for a mail server.
    """
    for user in contacts_of(client):
        if user == not_to:
            continue
        collected = Mail.objects.bundles(now).filter(client=client, user=user, facts__by_id=act["by_id"])
        mail = collected.select_for_update(skip_locked=True, no_key=True).order_by("-created_at").first()
        if mail is not None and len(mail.facts["acts"]) < MAX_BUNDLED:
            mail.facts["acts"].append(act)
            mail.save(update_fields=["facts"])
        else:
            Mail.objects.create(
                kind=Mail.Kind.BUNDLED_CHANGES, to=user.email, language=user.language, user=user, client=client,
                facts={"by_id": act["by_id"], "acts": [act]}, created_at=now, next_attempt_at=now + BUNDLE_DELAY,
            )  # fmt: skip


def contacts_of(client: Client, role: ClientContact.Role | None = None) -> list[User]:
    """Return the people who are mailed about a client, all or those with this role."""
    contacts = client.contacts.select_related("user").filter(user__is_active=True).order_by("pk")
    return [contact.user for contact in (contacts.filter(role=role) if role else contacts)]


def queue_for_contacts_of_many(
    *, clients: QuerySet[Client], kind: Mail.Kind, facts: dict[str, Any], now: datetime
) -> None:
    """Queue such mails for thousands of clients. Beat sends them, so that they do not delay urgent mails."""
    contacts = ClientContact.objects.filter(client__in=clients, user__is_active=True).select_related("user")
    mails = (
        Mail(
            kind=kind, to=contact.user.email, language=contact.user.language, user=contact.user,
            client_id=contact.client_id, facts=facts, created_at=now, next_attempt_at=now,
        )
        for contact in contacts
    )  # fmt: skip
    Mail.objects.bulk_create(mails, batch_size=1000)


def wake_worker(mail_id: uuid.UUID) -> None:
    """Queue the task that sends the mail. While the broker is down, beat's sweep takes its place."""
    wake("clients.tasks.send_mail", str(mail_id), expires=SEND_TASK_EXPIRES_S)


def sweep(*, clock: Callable[[], datetime]) -> None:
    """Send due mails, in one worker at a time and for a bounded time, because a mail server may hang."""
    with advisory_locks.try_lock("clients.mail.outbox.sweep") as mine:
        if not mine:
            return
        end = clock() + SWEEP_TIMEOUT
        for mail_id in list(Mail.objects.due(clock()).values_list("pk", flat=True)[:MAX_SWEPT_MAILS]):
            if clock() >= end:
                return
            deliver(mail_id=mail_id, now=clock())


def deliver(*, mail_id: uuid.UUID, now: datetime) -> bool:
    """Send a pending mail that is due. Returns False for one that is sent, being sent, or void.

    The row is locked while talking to the SMTP server, so two workers do not send the mail twice. Nothing else is
    locked: a person who asks for a newer link must not wait for a slow mail server.
    """
    _give_link(mail_id, now)
    for link in ManagementLink.objects.filter(mail=mail_id, digest=None):
        management_links.activate(link)
    with transaction.atomic():
        mail = (
            Mail.objects.due(now)
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
            .filter(pk=mail_id)
            .first()
        )
        if mail is None:
            return False
        if _is_over(mail, now):
            log.warning("mail_not_sent_any_more", mail=str(mail.pk), kind=mail.kind)
            mail.delete()
            return False
        try:
            _send(mail, now)
        except (smtplib.SMTPException, OSError) as error:
            _postpone(mail, error, now)
        except Exception as error:  # a mail that cannot be rendered must not block the others
            log.exception("mail_not_rendered", mail=str(mail.pk), kind=mail.kind)
            _postpone(mail, error, now)
        else:
            mail.state, mail.sent_at, mail.last_error = Mail.State.SENT, now, ""
        mail.attempts += 1
        mail.save()
    return mail.state == Mail.State.SENT


@transaction.atomic
def _give_link(mail_id: uuid.UUID, now: datetime) -> None:
    """Make the link of a mail that leads to a page, and renew one that expired before the mail was sent.

    Not done in the act that causes the mail: acts lock a client, and must not lock each of its contacts as well.
    """
    mails = Mail.objects.due(now).filter(pk=mail_id, kind__in=targets.WITH_LINK)
    mail = mails.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
    if mail is None or mail.user is None or not (target := targets.of(mail)) or not targets.is_open_to_reader(mail):
        return
    if mail.link is None or not ManagementLink.objects.usable(now).filter(pk=mail.link.pk).exists():
        mail.link = management_links.issue(user=mail.user, target=target, beside_others=True, now=now)
        mail.save(update_fields=["link"])


def _is_over(mail: Mail, now: datetime) -> bool:
    """Return whether a mail is only a link or a code, and that does not work any more. Other mails go with any link."""
    if mail.kind not in (Mail.Kind.CODE, Mail.Kind.LINK, Mail.Kind.STAFF_INVITATION):
        return False
    if mail.code:
        return not one_time_codes.usable(now).filter(pk=mail.code.pk).exists()
    return mail.link is not None and not ManagementLink.objects.usable(now).filter(pk=mail.link.pk).exists()


def _send(mail: Mail, now: datetime) -> None:
    secret = {}
    if mail.link:
        secret["link_url"] = management_links.url(mail.link)
    if mail.code:
        secret["code"] = one_time_codes.value(mail.code)
    text = render(mail, now=now, **secret)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    message = EmailMultiAlternatives(
        subject=text.subject,
        body=text.body,
        to=[mail.to],
        reply_to=[settings.SUPPORT_EMAIL] if settings.SUPPORT_EMAIL else None,
        headers={"Message-ID": f"<{mail.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(text.html, "text/html")
    if text.calendar:
        message.attach(_calendar_file(text.calendar))
    message.send()


def _calendar_file(calendar: bytes) -> MIMEPart:
    """Return the attachment; `method` tells mail programs that it is an event to keep, not an invitation (RFC 6047)."""
    part = MIMEPart(policy=SMTP)
    params = {"method": "PUBLISH", "charset": "utf-8"}
    part.set_content(calendar, "text", "calendar", disposition="attachment", filename="end.ics", params=params)
    return part


def _postpone(mail: Mail, error: Exception, now: datetime) -> None:
    """Postpone by 10 s, 20 s, 40 s ... 6 h; a permanent refusal, or too many attempts, marks the mail as failed."""
    mail.last_error = without_credentials(mail, str(error) or type(error).__name__)[:300]
    mail.next_attempt_at = now + delay(mail.attempts)
    if _is_permanent(error) or mail.attempts + 1 >= MAX_ATTEMPTS:
        mail.state = Mail.State.FAILED
        if mail.kind != Mail.Kind.TEAM_NOTICES:  # would be told in the next such mail, and so on
            notices.note(Notice.Kind.MAIL_FAILED, mail.kind, about={"mail": mail.pk}, once=f"{mail.pk} {now}", now=now)
    log.warning("mail_not_sent", mail=str(mail.pk), kind=mail.kind, state=mail.state, reason=mail.last_error)


def without_credentials(mail: Mail, answer: str) -> str:
    """Return the server's answer on one line, without links or codes, so that mailbox owners cannot forge a line.

    The answer may quote the refused mail; people read the reason, and must not see credentials in it.
    """
    said = " ".join(answer[:MAX_REASON_LENGTH].split())
    if mail.link:
        said = management_links.redact(mail.link, said)
    if mail.code:
        said = one_time_codes.redact(mail.code, said)
    return said


def _is_permanent(error: Exception) -> bool:
    """Return whether the server refused this recipient with 5yz (RFC 5321 section 4.2.1): a retry is useless."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    return False


@transaction.atomic
def retry(*, mail: Mail, by: Actor, now: datetime, reason: str = "") -> None:
    """Put an undeliverable mail back in the queue. Raises Refusal."""
    if _is_over(mail, now):
        raise Refusal(Code.MAIL_OUT_OF_DATE)
    failed = Mail.objects.undeliverable().filter(pk=mail.pk)
    if not failed.update(state=Mail.State.PENDING, attempts=0, next_attempt_at=now):
        raise Refusal(Code.MAIL_NOT_FAILED)
    change_log.record(action=Action.MAIL_RETRIED, actor=by, subject=mail, note=by.because(reason))
    wake_worker(mail.pk)
