"""Requests for a client: from the form to the decision. Each function is one act and one entry in the change log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit import log
from audit.actions import Action
from clients.access import one_time_codes
from clients.actors import Actor
from clients.acts import client_secrets, decision_record, four_eyes, lifecycle
from clients.authentication import code_guessing
from clients.mail import outbox
from clients.mail.notifications import tell_requester
from clients.models import Client, Mail, MailedCode, Registration, RegistrationMessage, RegistrationScope, Scope, User
from foundation import email_addresses

Status = Registration.Status
MESSAGES_PER_HOUR = 10  # of one person about one request: each may be mailed, and all are read


class UnableToDecide(Exception):
    """Not now, or not by this person; the message says why."""


class ContentChanged(UnableToDecide):
    """The request is not the one the reviewer read any more: read it again."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a request asks for, as the form hands it over."""

    client_name: str
    organisation: str
    contact_name: str
    contact_email: str
    purpose: str
    scopes: tuple[Scope, ...]
    reason: str = ""  # of a change


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """The requester, and whether that person was known before."""

    user: User
    is_known: bool


@transaction.atomic
def submit(*, content: Content, language: str, by: Actor, now: datetime) -> Registration:
    """Keeps a new request and mails a code to its address; the queue sees it when the code comes back.

    Raises codes.TooManyCodes.
    """
    registration = Registration(
        client_name=content.client_name,
        organisation=content.organisation,
        contact_name=content.contact_name,
        contact_email=email_addresses.normal(content.contact_email),
        purpose=content.purpose,
        language=language,
        created_at=now,
    )
    registration.save()
    _ask_for(registration, content.scopes)
    # Nothing that was typed: an entry stays, and a request that nobody confirms is forgotten (clients/retention.py).
    subject = log.Whole(registration.audit_id, registration.number)
    log.record(action=Action.REGISTRATION_REQUESTED, actor=by, subject=subject)
    mail_code(registration=registration, now=now)
    return registration


@transaction.atomic
def propose_change(*, client: Client, content: Content, by: Actor, now: datetime) -> Registration:
    """A contact asks for other scopes or another name: the same review, shown as a difference.

    Raises UnableToDecide while an earlier request about this client is open.
    """
    client = Client.objects.locked(client.pk)
    if client.status == Client.Status.CLOSED:
        raise UnableToDecide(_("This client is closed for good: it stays as it is."))
    if client.registrations.open().exists():
        raise UnableToDecide(_("A request about this client is being reviewed. Wait for it, or withdraw it first."))
    registration = Registration.objects.create(
        kind=Registration.Kind.CHANGE, client=client, status=Status.SUBMITTED, requester=by.user,
        client_name=content.client_name, organisation=content.organisation, purpose=content.purpose,
        reason=content.reason, contact_name=content.contact_name,
        contact_email=email_addresses.normal(content.contact_email),
        language=by.user.language if by.user else "", created_at=now, submitted_at=now,
    )  # fmt: skip
    _ask_for(registration, content.scopes)
    changes = {
        "client_name": (client.name, content.client_name),
        "reason": (None, content.reason or None),
        "scopes": (lifecycle.names(client.scopes.all()), lifecycle.names(content.scopes)),
    }
    log.record(action=Action.REGISTRATION_REQUESTED, actor=by, subject=registration, changes=changes)
    return registration


def mail_code(*, registration: Registration, now: datetime) -> None:
    """Mails a (new) confirmation code. Raises codes.TooManyCodes."""
    code = one_time_codes.issue(
        purpose=MailedCode.Purpose.CONFIRM_REQUEST, email=registration.contact_email, now=now, registration=registration
    )
    outbox.queue_code(code=code, language=registration.language, registration=registration, now=now)


def confirm(*, registration: Registration, typed: str, by: Actor, now: datetime) -> Confirmed:
    """Put the request in the queue with the code from its mail. Raises codes.CodeRefused.

    Six digits are too few to sign in a person whom we know: a link is mailed to them.
    """
    code = registration.codes.order_by("-created_at").first()
    code_guessing.spend(code, typed=typed, by=by, now=now)  # outside the transaction: an attempt must stay counted
    with transaction.atomic():
        is_known = User.objects.with_address(registration.contact_email).exists()
        user = User.objects.contact(
            email=registration.contact_email, name=registration.contact_name, language=registration.language
        )
        _move(registration, {Status.UNCONFIRMED}, Status.SUBMITTED, requester=user, submitted_at=now)
        actor = Actor(user=user, address=by.address, request_id=by.request_id)
        changes = decision_record.of_request(registration)
        log.record(action=Action.REGISTRATION_CONFIRMED, actor=actor, subject=registration, changes=changes)
        _tell_received(registration, user, is_known, now)
    return Confirmed(user=user, is_known=is_known)


def _tell_received(registration: Registration, user: User, is_known: bool, now: datetime) -> None:
    kind, days = Mail.Kind.REQUEST_RECEIVED, Registration.objects.usual_days(now)
    if is_known and user.is_active:
        outbox.queue_for(user=user, kind=kind, registration=registration, facts={"days": days}, now=now)
    else:
        tell_requester(registration=registration, kind=kind, now=now, days=days)


@transaction.atomic
def resubmit(*, registration: Registration, content: Content, by: Actor, now: datetime) -> None:
    """The contact answers a request for changes; both reviews start again."""
    new = {"client_name": content.client_name, "organisation": content.organisation, "purpose": content.purpose}
    if registration.kind == Registration.Kind.CHANGE:
        new["reason"] = content.reason
    before = {name: getattr(registration, name) for name in new}
    before["scopes"] = lifecycle.names(row.scope for row in registration.asked.select_related("scope"))
    _move(
        registration, {Status.CHANGES_REQUESTED}, Status.SUBMITTED,
        **new, submitted_at=now, endorsed_by=None, endorsed_at=None,
    )  # fmt: skip
    registration.asked.all().delete()
    _ask_for(registration, content.scopes)
    changes = lifecycle.difference(before, {**new, "scopes": lifecycle.names(content.scopes)})
    log.record(action=Action.REGISTRATION_RESUBMITTED, actor=by, subject=registration, changes=changes)


@transaction.atomic
def withdraw(*, registration: Registration, by: Actor, now: datetime) -> None:
    _move(registration, {Status.SUBMITTED, Status.CHANGES_REQUESTED}, Status.WITHDRAWN, decided_at=now)
    log.record(action=Action.REGISTRATION_WITHDRAWN, actor=by, subject=registration)


@transaction.atomic
def comment(*, registration: Registration, text: str, by: Actor, now: datetime) -> None:
    """A word to the other side; it changes nothing about the request. Raises UnableToDecide after too many."""
    Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)  # parallel ones count each other
    written = registration.messages.filter(author=by.user, written_at__gt=now - timedelta(hours=1))
    if written.count() >= MESSAGES_PER_HOUR:
        raise UnableToDecide(
            _("You wrote %(n)s messages about this request within an hour. Wait a little, and put the rest into one.")
            % {"n": MESSAGES_PER_HOUR}
        )
    _say(registration, text, by, now)
    log.record(action=Action.REGISTRATION_COMMENTED, actor=by, subject=registration)
    if by.user is not None and by.user.is_staff_member and by.user != registration.requester:
        tell_requester(registration=registration, kind=Mail.Kind.NEW_MESSAGE, now=now)


@transaction.atomic
def request_changes(
    *, registration: Registration, message: str, seen: str, signals: Sequence[str] = (), by: Actor, now: datetime
) -> None:
    _check_reviewer(registration, seen, by)
    _check_client(registration)
    changes = decision_record.of_decision(registration, granted=(), signals=signals)
    _move(
        registration, {Status.SUBMITTED}, Status.CHANGES_REQUESTED,
        endorsed_by=None, endorsed_at=None, signals=list(signals),
    )  # fmt: skip
    _say(registration, message, by, now)
    log.record(
        action=Action.REGISTRATION_CHANGES_REQUESTED, actor=by, subject=registration, changes=changes, note=message
    )
    tell_requester(registration=registration, kind=Mail.Kind.CHANGES_REQUESTED, now=now, message=message)


@transaction.atomic
def reject(
    *, registration: Registration, message: str, seen: str, signals: Sequence[str] = (), by: Actor, now: datetime,
    unanswered: bool = False,
) -> None:  # fmt: skip
    """`unanswered` is a request that the contact was asked to change, and did not."""
    waits = Status.CHANGES_REQUESTED if unanswered else Status.SUBMITTED
    _check_reviewer(registration, seen, by, waits)
    changes = decision_record.of_decision(registration, granted=(), signals=signals)
    _move(registration, {waits}, Status.REJECTED, decided_by=by.user, decided_at=now, signals=list(signals))
    _say(registration, message, by, now)
    log.record(action=Action.REGISTRATION_REJECTED, actor=by, subject=registration, changes=changes, note=message)
    tell_requester(registration=registration, kind=Mail.Kind.REQUEST_REJECTED, now=now, message=message)


@transaction.atomic
def approve(
    *, registration: Registration, scopes: Iterable[Scope], defaults: Iterable[Scope], message: str = "", seen: str,
    signals: Sequence[str] = (), by: Actor, now: datetime,
) -> Client | None:  # fmt: skip
    """Grants these scopes (all or fewer than asked), makes the client and mails the link.

    A sensitive scope needs two reviewers: the first approval only endorses, and returns None. `seen` is the content
    hash of the page the reviewer decided on, `signals` the risk signals on it. Raises UnableToDecide.
    """
    granted, default = list(scopes), list(defaults)
    _check_reviewer(registration, seen, by)
    _check_client(registration)
    _check_grant(registration, granted, default)
    if message:
        _say(registration, message, by, now)
    decided = decision_record.of_decision(registration, granted=granted, signals=signals)
    registration.signals = list(signals)
    sensitive = {scope.pk for scope in granted if scope.sensitive}
    if sensitive and registration.endorsed_by is None:
        _endorse(registration, granted, decided, message, by, now)
        return None
    if registration.endorsed_by and by.user and four_eyes.is_same_person(registration.endorsed_by, by.user):
        raise UnableToDecide(_("You gave the first approval. Somebody else gives the second."))
    if not sensitive <= set(registration.asked.filter(granted=True).values_list("scope_id", flat=True)):
        raise UnableToDecide(_("The first approval left out a sensitive scope that you ticked. Untick it."))

    _mark_granted(registration, granted)
    client, changes = _carry_out(registration, granted, default, by, now)
    _move(
        registration, {Status.SUBMITTED}, Status.APPROVED,
        client=client, decided_by=by.user, decided_at=now, signals=registration.signals,
    )  # fmt: skip
    _tell_approved(registration, client, message, now)
    log.record(
        action=Action.REGISTRATION_APPROVED,
        actor=by,
        subject=registration,
        changes=decision_record.with_effects(decided, changes),
        note=message,
    )
    return client


def _endorse(
    registration: Registration, granted: list[Scope], decided: lifecycle.Changes, message: str, by: Actor, now: datetime
) -> None:
    """The first of two approvals: what it grants is what the second may grant."""
    _mark_granted(registration, granted)
    _move(
        registration, {Status.SUBMITTED}, Status.SUBMITTED,
        endorsed_by=by.user, endorsed_at=now, signals=registration.signals,
    )  # fmt: skip
    log.record(action=Action.REGISTRATION_ENDORSED, actor=by, subject=registration, changes=decided, note=message)


def _carry_out(
    registration: Registration, granted: list[Scope], default: list[Scope], by: Actor, now: datetime
) -> tuple[Client, lifecycle.Changes]:
    """The client as approved: made, or changed. The approval is the entry in the change log for all of it."""
    if registration.client is not None:
        before = lifecycle.facts(registration.client)
        client = lifecycle.apply_change(registration=registration, scopes=granted, defaults=default)
        return client, lifecycle.difference(before, lifecycle.facts(client))
    client = lifecycle.make(
        name=registration.client_name,
        organisation=registration.organisation,
        purpose=registration.purpose,
        scopes=granted,
        defaults=default,
        contact=registration.person,
        now=now,
    )
    if client.accepts_secrets:
        client_secrets.create_first(client=client, by=by, now=now)
    return client, lifecycle.made(client, contact=registration.person)


def _tell_approved(registration: Registration, client: Client, message: str, now: datetime) -> None:
    """A new client comes with the link to manage it."""
    if registration.kind == Registration.Kind.CHANGE:
        tell_requester(registration=registration, kind=Mail.Kind.CHANGE_APPROVED, now=now, message=message)
        return
    outbox.queue_for(
        user=registration.person, kind=Mail.Kind.CLIENT_READY, now=now,
        client=client, registration=registration, facts={"message": message},
    )  # fmt: skip


def _mark_granted(registration: Registration, granted: list[Scope]) -> None:
    """What the last approval granted, the first of two included."""
    registration.asked.update(granted=False)
    registration.asked.filter(scope__in=granted).update(granted=True)


def _check_reviewer(registration: Registration, seen: str, by: Actor, waits: str = Status.SUBMITTED) -> None:
    """Locks the request and the client it is about; then four eyes, still open, and still what the reviewer read."""
    fresh = Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
    fresh.client = Client.objects.locked(fresh.client_id) if fresh.client_id else None
    for name in ("status", "endorsed_by_id", "client", "requester_id"):
        setattr(registration, name, getattr(fresh, name))
    if fresh.status != waits:
        raise UnableToDecide(_("This request was decided already, or waits for the contact."))
    if by.user is None or by.user.role != User.Role.SECURITY:
        raise UnableToDecide(_("Only the Security team decides on a request."))
    if fresh.is_by(by.user):
        raise UnableToDecide(_("You asked for this client yourself. Somebody else of the Security team decides."))
    if fresh.content_hash != seen:
        raise ContentChanged(_("The request changed while you read it. Read it again, then decide."))


def _check_client(registration: Registration) -> None:
    if registration.client and registration.client.status == Client.Status.CLOSED:
        raise UnableToDecide(_("The client is closed for good and stays as it is. Reject this request."))


def _check_grant(registration: Registration, granted: list[Scope], default: list[Scope]) -> None:
    asked = {row.scope_id for row in registration.asked.all()}
    if not granted:
        raise UnableToDecide(_("Tick at least one scope, or reject the request."))
    if not {scope.pk for scope in granted} <= asked:
        raise UnableToDecide(_("You can only grant scopes that were asked for."))
    if not {scope.pk for scope in default} <= {scope.pk for scope in granted}:
        raise UnableToDecide(_("A default scope must be one of the scopes you grant."))


def _move(registration: Registration, allowed: set[str], status: str, **fields: object) -> None:
    """The state changes in one conditional UPDATE: of several at once, one wins."""
    rows = Registration.objects.filter(pk=registration.pk, status__in=allowed)
    if not rows.update(status=status, **fields):
        raise UnableToDecide(_("Someone else changed the request just before you. Check its status."))
    registration.status = status
    for name, value in fields.items():
        setattr(registration, name, value)


def _ask_for(registration: Registration, scopes: Iterable[Scope]) -> None:
    RegistrationScope.objects.bulk_create(RegistrationScope(registration=registration, scope=scope) for scope in scopes)


def _say(registration: Registration, text: str, by: Actor, now: datetime) -> None:
    if by.user is None:
        raise UnableToDecide(_("A message needs somebody who wrote it."))
    RegistrationMessage.objects.create(registration=registration, author=by.user, text=text, written_at=now)
