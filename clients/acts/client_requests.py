"""The requester's acts on a request for a client. Each function is one act and one entry in the change log.

The Security team's acts are in clients/acts/review.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from audit import log
from audit.actions import Action
from clients import fields
from clients.access import one_time_codes
from clients.actors import Actor
from clients.acts import decision_record, lifecycle
from clients.authentication import code_guessing
from clients.mail import outbox
from clients.mail.notifications import tell_api_owners, tell_requester
from clients.models import (
    Client,
    Mail,
    MailedCode,
    Notice,
    Registration,
    RegistrationMessage,
    RegistrationScope,
    Scope,
    User,
)
from clients.refusal_codes import Code
from clients.team import notices
from foundation import email_addresses
from foundation.refusals import Refusal

Status = Registration.Status
MESSAGES_PER_HOUR = 10  # of one person about one request; each may send a mail


@dataclass(frozen=True, kw_only=True)
class Content:
    """Content of a request from its form: the texts by the names of clients.fields, and the scopes."""

    texts: fields.Texts
    scopes: tuple[Scope, ...]

    @property
    def columns(self) -> dict[str, str]:
        """Map columns of Registration to texts, the address in its normal form."""
        return {**self.texts, "contact_email": email_addresses.normal(self.texts["contact_email"])}

    @property
    def answer(self) -> dict[str, str]:
        """The texts without those about the person, which are fixed."""
        return fields.without_person(self.texts)


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """The requester, and whether the person was known before."""

    user: User
    is_known: bool


@transaction.atomic
def submit(*, content: Content, language: str, by: Actor, now: datetime) -> Registration:
    """Store a new request and mail a code to its address; the queue shows the request once the code is entered.

    A program of the Security team fills it in for the contact, who gets the page for the code with the mail. Raises
    Refusal when the address was sent too many codes lately.
    """
    program = by.client if by.for_team else None
    registration = Registration.objects.create(**content.columns, program=program, language=language, created_at=now)
    _ask_for(registration, content.scopes)
    # Without any text of the form: entries are kept, but unconfirmed requests are deleted (clients/retention.py).
    subject = log.StaticSubject(registration.audit_id, registration.number)
    log.record(action=Action.REGISTRATION_REQUESTED, actor=by, subject=subject)
    mail_code(registration=registration, now=now)
    return registration


@transaction.atomic
def propose_change(*, client: Client, content: Content, by: Actor, now: datetime) -> Registration:
    """Submit a contact's request for other scopes or another name: the same review, shown as a difference.

    Raises Refusal while an earlier request about this client is open.
    """
    client = Client.objects.locked(client.pk)
    if client.status == Client.Status.CLOSED:
        raise Refusal(Code.CLIENT_CLOSED)
    if client.registrations.open().exists():
        raise Refusal(Code.REQUEST_OPEN_ALREADY)
    registration = Registration.objects.create(
        **content.columns, kind=Registration.Kind.CHANGE, client=client, status=Status.SUBMITTED, requester=by.user,
        language=by.user.language if by.user else "", created_at=now, submitted_at=now,
    )  # fmt: skip
    _ask_for(registration, content.scopes)
    before = {**fields.logged(client.texts), "scopes": lifecycle.names(client.scopes.all())}
    after = {**fields.logged(content.answer), "scopes": lifecycle.names(content.scopes)}
    changes = lifecycle.difference(before, after)
    log.record(action=Action.REGISTRATION_REQUESTED, actor=by, subject=registration, changes=changes)
    _tell_deciders(registration, now)
    return registration


def mail_code(*, registration: Registration, now: datetime) -> None:
    """Mail a new confirmation code. Raises Refusal when the address was sent too many lately."""
    code = one_time_codes.issue(
        purpose=MailedCode.Purpose.CONFIRM_REQUEST, email=registration.contact_email, now=now, registration=registration
    )
    outbox.queue_code(code=code, language=registration.language, registration=registration, now=now)


def confirm(*, registration: Registration, typed: str, by: Actor, now: datetime) -> Confirmed:
    """Put the request in the queue after the code from its mail. Raises CodeRefused.

    Six digits are too weak to sign in a person with an account: a link is mailed to them.
    """
    code = registration.codes.order_by("-created_at").first()
    code_guessing.spend(code, typed=typed, by=by, now=now)  # outside the transaction, so that attempts stay counted
    with transaction.atomic():
        is_known = User.objects.with_address(registration.contact_email).exists()
        user = User.objects.contact(
            email=registration.contact_email, name=registration.contact_name, language=registration.language
        )
        move(registration, {Status.UNCONFIRMED}, Status.SUBMITTED, requester=user, submitted_at=now)
        actor = Actor(user=user, address=by.address, request_id=by.request_id)
        changes = decision_record.of_request(registration)
        log.record(action=Action.REGISTRATION_CONFIRMED, actor=actor, subject=registration, changes=changes)
        _tell_received(registration, user, is_known, now)
        _tell_deciders(registration, now)
    return Confirmed(user=user, is_known=is_known)


def _tell_received(registration: Registration, user: User, is_known: bool, now: datetime) -> None:
    kind = Mail.Kind.REQUEST_RECEIVED
    if is_known and user.is_active:
        outbox.queue_for(user=user, kind=kind, registration=registration, now=now)
    else:
        tell_requester(registration=registration, kind=kind, now=now)


def _tell_deciders(registration: Registration, now: datetime) -> None:
    """Tell the Security team, and the owners of the APIs, that the request waits."""
    notices.note_request(Notice.Kind.REQUEST_WAITS, registration, now=now)
    tell_api_owners(registration=registration, now=now)


@transaction.atomic
def resubmit(*, registration: Registration, content: Content, by: Actor, now: datetime) -> None:
    """Resubmit a request after changes were asked for; both reviews start again."""
    asked = lifecycle.names(row.scope for row in registration.asked.select_related("scope"))
    before = {**fields.logged(registration.texts), "scopes": asked}
    move(
        registration, {Status.CHANGES_REQUESTED}, Status.SUBMITTED,
        **content.answer, submitted_at=now, endorsed_by=None, endorsed_at=None,
    )  # fmt: skip
    registration.asked.all().delete()
    _ask_for(registration, content.scopes)
    after = {**fields.logged(content.answer), "scopes": lifecycle.names(content.scopes)}
    changes = lifecycle.difference(before, after)
    log.record(action=Action.REGISTRATION_RESUBMITTED, actor=by, subject=registration, changes=changes)
    _tell_deciders(registration, now)


@transaction.atomic
def withdraw(*, registration: Registration, by: Actor, now: datetime) -> None:
    move(registration, {Status.SUBMITTED, Status.CHANGES_REQUESTED}, Status.WITHDRAWN, decided_at=now)
    log.record(action=Action.REGISTRATION_WITHDRAWN, actor=by, subject=registration)


@transaction.atomic
def comment(*, registration: Registration, text: str, by: Actor, now: datetime) -> None:
    """Send a message to the other side; the request is unchanged. Raises Refusal after too many."""
    Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)  # parallel messages are counted
    program = by.client if by.for_team else None
    written = registration.messages.filter(author=by.user, program=program, written_at__gt=now - timedelta(hours=1))
    if written.count() >= MESSAGES_PER_HOUR:
        raise Refusal(Code.TOO_MANY_MESSAGES, limit=MESSAGES_PER_HOUR)
    say(registration, text, by, now)
    log.record(action=Action.REGISTRATION_COMMENTED, actor=by, subject=registration)
    is_staff = by.user is not None and by.user.is_staff_member and by.user != registration.requester
    if is_staff or by.for_team:
        tell_requester(registration=registration, kind=Mail.Kind.NEW_MESSAGE, now=now)


def move(registration: Registration, allowed: set[str], status: str, **fields: object) -> None:
    """Change the state in a conditional UPDATE: of concurrent calls one wins. Part of a larger act, which logs it."""
    rows = Registration.objects.filter(pk=registration.pk, status__in=allowed)
    if not rows.update(status=status, **fields):
        raise Refusal(Code.REQUEST_MOVED_ON)
    registration.status = status
    for name, value in fields.items():
        setattr(registration, name, value)


def say(registration: Registration, text: str, by: Actor, now: datetime) -> None:
    """Add a message to the conversation. Part of a larger act, which logs it."""
    program = by.client if by.for_team else None
    if by.user is None and program is None:
        raise Refusal(Code.MESSAGE_WITHOUT_AUTHOR)
    RegistrationMessage.objects.create(
        registration=registration, author=by.user, program=program, text=text, written_at=now
    )


def _ask_for(registration: Registration, scopes: Iterable[Scope]) -> None:
    RegistrationScope.objects.bulk_create(RegistrationScope(registration=registration, scope=scope) for scope in scopes)
