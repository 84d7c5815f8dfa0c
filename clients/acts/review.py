"""The Security team's acts on a request for a client: ask for changes, reject, approve.

Each function is one act and one entry in the change log. The requester's acts are in clients/acts/client_requests.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients import fields
from clients.actors import Actor
from clients.acts import decision_record, four_eyes, lifecycle
from clients.acts.client_requests import move, say
from clients.acts.credentials import client_secrets
from clients.acts.decision_record import NO_GROUNDS, Grounds
from clients.mail import outbox
from clients.mail.notifications import tell_requester
from clients.models import ApiOwner, Client, Mail, Notice, Registration, Scope, User
from clients.refusal_codes import Code
from clients.team import notices
from foundation.refusals import Refusal

Status = Registration.Status


@transaction.atomic
def request_changes(
    *, registration: Registration, message: str, seen: str, grounds: Grounds = NO_GROUNDS, by: Actor, now: datetime
) -> None:
    _check_reviewer(registration, seen, by)
    _check_client(registration)
    changes = decision_record.of_decision(registration, granted=(), grounds=grounds)
    move(
        registration, {Status.SUBMITTED}, Status.CHANGES_REQUESTED,
        endorsed_by=None, endorsed_at=None, signals=list(grounds.signals),
    )  # fmt: skip
    say(registration, message, by, now)
    log.record(
        action=Action.REGISTRATION_CHANGES_REQUESTED, actor=by, subject=registration, changes=changes, note=message
    )
    tell_requester(registration=registration, kind=Mail.Kind.CHANGES_REQUESTED, now=now, message=message)


@transaction.atomic
def reject(
    *, registration: Registration, message: str, seen: str, grounds: Grounds = NO_GROUNDS, by: Actor, now: datetime,
    unanswered: bool = False,
) -> None:  # fmt: skip
    """Reject a request. `unanswered`: the contact was asked to change it, and did not."""
    waits = Status.CHANGES_REQUESTED if unanswered else Status.SUBMITTED
    _check_reviewer(registration, seen, by, waits)
    changes = decision_record.of_decision(registration, granted=(), grounds=grounds)
    move(registration, {waits}, Status.REJECTED, decided_by=by.user, decided_at=now, signals=list(grounds.signals))
    say(registration, message, by, now)
    log.record(action=Action.REGISTRATION_REJECTED, actor=by, subject=registration, changes=changes, note=message)
    tell_requester(registration=registration, kind=Mail.Kind.REQUEST_REJECTED, now=now, message=message)


@transaction.atomic
def approve(
    *, registration: Registration, scopes: Iterable[Scope], defaults: Iterable[Scope], message: str = "", seen: str,
    grounds: Grounds = NO_GROUNDS, by: Actor, now: datetime,
) -> Client | None:  # fmt: skip
    """Approve a request: grant these scopes (all or fewer than asked), make the client and mail the link.

    A sensitive scope needs two reviewers: the first approval only endorses, and returns None. `seen` is the content
    hash of the reviewer's page. Raises Refusal.
    """
    granted, default = list(scopes), list(defaults)
    _check_reviewer(registration, seen, by)
    _check_client(registration)
    _check_grant(registration, granted, default)
    _set_legal_bases(registration, grounds.legal_bases_of(granted))
    if message:
        say(registration, message, by, now)
    decided = decision_record.of_decision(registration, granted=granted, grounds=grounds)
    registration.signals = list(grounds.signals)
    sensitive = {scope.pk for scope in granted if scope.sensitive}
    if sensitive and registration.endorsed_by is None:
        _endorse(registration, granted, decided, message, by, now)
        return None
    _check_second_approval(registration, sensitive, by)
    _check_owners(registration, granted)

    _mark_granted(registration, granted)
    client, changes = _carry_out(registration, granted, default, by, now)
    move(
        registration, {Status.SUBMITTED}, Status.APPROVED,
        client=client, decided_by=by.user, decided_at=now, signals=registration.signals,
    )  # fmt: skip
    _tell_approved(registration, client, message, now)
    recorded = decision_record.with_effects(decided, changes)
    log.record(action=Action.REGISTRATION_APPROVED, actor=by, subject=registration, changes=recorded, note=message)
    return client


@transaction.atomic
def recommend(*, registration: Registration, advice: str, text: str, by: Actor, now: datetime) -> None:
    """Recommend a decision to the reviewers, who see it in the history; the requester is not told (API M-7).

    Raises Refusal unless the request waits for a review.
    """
    fresh = Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
    if fresh.status != Status.SUBMITTED:
        raise Refusal(Code.REQUEST_NOT_WAITING)
    changes = {"recommendation": (None, advice), "content_hash": (None, fresh.content_hash)}
    log.record(action=Action.REGISTRATION_RECOMMENDED, actor=by, subject=registration, changes=changes, note=text)


def _endorse(
    registration: Registration, granted: list[Scope], decided: lifecycle.Changes, message: str, by: Actor, now: datetime
) -> None:
    """Record the first of two approvals; its scopes are the most that the second may grant."""
    _mark_granted(registration, granted)
    move(
        registration, {Status.SUBMITTED}, Status.SUBMITTED,
        endorsed_by=by.user, endorsed_at=now, signals=registration.signals,
    )  # fmt: skip
    log.record(action=Action.REGISTRATION_ENDORSED, actor=by, subject=registration, changes=decided, note=message)
    notices.note_request(Notice.Kind.SECOND_APPROVAL_WAITS, registration, now=now, by=by.user)


def _carry_out(
    registration: Registration, granted: list[Scope], default: list[Scope], by: Actor, now: datetime
) -> tuple[Client, lifecycle.Changes]:
    """Make or change the client as approved. The approval is the one entry in the change log."""
    if registration.client is not None:
        before = lifecycle.facts(registration.client)
        client = lifecycle.apply_change(registration=registration, scopes=granted, defaults=default, now=now)
        return client, lifecycle.difference(before, lifecycle.facts(client))
    client = lifecycle.make(
        content=fields.of_client(registration.texts),
        scopes=granted,
        defaults=default,
        contact=registration.person,
        now=now,
    )
    if client_secrets.may_be_made(client, now=now):
        client_secrets.create_first(client=client, by=by, now=now)
    return client, lifecycle.made(client, contact=registration.person)


def _tell_approved(registration: Registration, client: Client, message: str, now: datetime) -> None:
    """Mail the approval; for a new client with the link to manage it."""
    if registration.kind == Registration.Kind.CHANGE:
        tell_requester(registration=registration, kind=Mail.Kind.CHANGE_APPROVED, now=now, message=message)
        return
    outbox.queue_for(
        user=registration.person, kind=Mail.Kind.CLIENT_READY, now=now,
        client=client, registration=registration, facts={"message": message},
    )  # fmt: skip


def _mark_granted(registration: Registration, granted: list[Scope]) -> None:
    """Mark the scopes granted by the last approval, also by the first of two."""
    registration.asked.update(granted=False)
    registration.asked.filter(scope__in=granted).update(granted=True)


def _check_reviewer(registration: Registration, seen: str, by: Actor, waits: str = Status.SUBMITTED) -> None:
    """Lock the request and its client; refuse a reviewer's own request, a closed one, or a changed one."""
    fresh = Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
    fresh.client = Client.objects.locked(fresh.client_id) if fresh.client_id else None
    for name in ("status", "endorsed_by_id", "client", "requester_id"):
        setattr(registration, name, getattr(fresh, name))
    if fresh.status != waits:
        raise Refusal(Code.REQUEST_NOT_WAITING)
    if by.user is None or by.user.role != User.Role.SECURITY:
        raise Refusal(Code.NOT_A_REVIEWER)
    if fresh.is_by(by.user):
        raise Refusal(Code.OWN_REQUEST)
    if fresh.content_hash != seen:
        raise Refusal(Code.REQUEST_CHANGED)


def _check_client(registration: Registration) -> None:
    if registration.client and registration.client.status == Client.Status.CLOSED:
        raise Refusal(Code.CLIENT_OF_REQUEST_CLOSED)


def _check_grant(registration: Registration, granted: list[Scope], default: list[Scope]) -> None:
    asked = {row.scope_id for row in registration.asked.all()}
    if not granted:
        raise Refusal(Code.NO_SCOPE_GRANTED)
    if not {scope.pk for scope in granted} <= asked:
        raise Refusal(Code.SCOPE_NOT_ASKED_FOR)
    if not {scope.pk for scope in default} <= {scope.pk for scope in granted}:
        raise Refusal(Code.DEFAULT_NOT_GRANTED)


def _check_owners(registration: Registration, granted: list[Scope]) -> None:
    """Refuse scopes of an API with owners that none of them approved; a client keeps what it has."""
    owned = set(ApiOwner.objects.acting().values_list("api_id", flat=True))
    held = registration.client.client_scopes.values_list("scope_id", flat=True) if registration.client else []
    agreed = set(registration.asked.filter(owner_approved=True).values_list("scope_id", flat=True))
    missing = Scope.objects.filter(pk__in=[scope.pk for scope in granted], api__in=owned)
    missing = missing.exclude(pk__in=agreed).exclude(pk__in=held)
    if names := sorted(missing.values_list("name", flat=True)):
        raise Refusal(Code.OWNER_NOT_AGREED, scopes=names)


def _set_legal_bases(registration: Registration, references: dict[str, str]) -> None:
    """Keep the reference of each scope for the second reviewer and the pages. Raises Refusal for a missing one."""
    if missing := [name for name, reference in references.items() if not reference]:
        raise Refusal(Code.LEGAL_BASIS_MISSING, scopes=missing)
    Registration.objects.filter(pk=registration.pk).update(legal_basis="")
    registration.asked.update(legal_basis="")
    for name, reference in references.items():
        registration.asked.filter(scope__name=name).update(legal_basis=reference)


def _check_second_approval(registration: Registration, sensitive: set[int], by: Actor) -> None:
    """Refuse a second approval by the same person, or with sensitive scopes that the first left out."""
    if registration.endorsed_by and by.user and four_eyes.is_same_person(registration.endorsed_by, by.user):
        raise Refusal(Code.SAME_REVIEWER)
    if not sensitive <= set(registration.asked.filter(granted=True).values_list("scope_id", flat=True)):
        raise Refusal(Code.SCOPE_NOT_ENDORSED)
