"""Changes that take two people: one proposes, a second one confirms. Until then the change has no effect.

The proposed acts (contacts.py, lifecycle.py, catalogue.py) refuse a member of staff who acts alone with
four_eyes.NeedsColleague; the caller then proposes the act.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from audit import log
from audit.actions import Action
from clients import edit_tags
from clients.actors import Actor
from clients.acts import four_eyes, proposal_kinds
from clients.mail import notifications
from clients.models import Api, Client, ClientContact, Issuer, Notice, Proposal, Scope, User
from clients.models.policy import About
from clients.refusal_codes import Code
from clients.team import notices
from foundation import email_addresses
from foundation.refusals import Refusal

LIFETIME = timedelta(days=7)

Outcome = Proposal.Outcome


@transaction.atomic
def propose(
    *,
    kind: Proposal.Kind,
    about: About | Scope | Issuer,
    content: Mapping[str, Any],
    reason: str,
    by: Actor,
    now: datetime,
) -> Proposal:
    """Store a change for a second person to confirm; owners who may accept it are mailed. Raises Refusal."""
    proposer, program = (None, by.client) if by.for_team else (_first_person(kind, about, by), None)
    proposal = Proposal(
        kind=kind, target=proposal_kinds.target(kind, about, content), content=dict(content), program=program,
        reason=by.because(reason), proposed_by=proposer, proposed_at=now, void_at=now + LIFETIME,
    )  # fmt: skip
    _set_about(proposal, about)
    _lock(proposal)
    if proposer is not None:
        _refuse_own_client(proposal, proposer)
    proposal_kinds.check(proposal, now)
    proposal.changes, proposal.content_hash = proposal_kinds.changes(proposal), proposal_kinds.content_hash(proposal)
    same = Proposal.objects.filter(kind=kind, target=proposal.target, outcome=Outcome.WAITING)
    same.filter(void_at__lte=now).update(outcome=Outcome.VOID)
    try:
        with transaction.atomic():
            proposal.save()
    except IntegrityError as error:
        raise Refusal(Code.PROPOSED_ALREADY) from error
    log.record(
        action=Action.PROPOSAL_MADE, actor=by, subject=proposal.about, note=reason,
        changes={**_named(proposal), **proposal.changes, "void_at": (None, proposal.void_at)},
    )  # fmt: skip
    notices.note(
        Notice.Kind.PROPOSAL_WAITS, proposal.named, about={"proposal": proposal.uid, "kind": kind},
        once=proposal.uid, now=now, by=proposer,
    )  # fmt: skip
    if kind in Proposal.OWNERS_DECIDE:
        notifications.ask_owners(proposal=proposal, now=now)
    return proposal


@transaction.atomic
def confirm(*, proposal: Proposal, by: Actor, now: datetime, reason: str = "") -> None:
    """Carry out the proposal: its act makes the entry in the change log, with the names of both people.

    Raises Refusal, and edit_tags.Stale when the values to replace have changed.
    """
    _lock(proposal)
    _end(proposal, Outcome.CONFIRMED, _second_person(proposal, by), now)
    if is_out_of_date(proposal):
        raise edit_tags.Stale(Code.PROPOSAL_OUT_OF_DATE)
    proposal_kinds.RULES[Proposal.Kind(proposal.kind)].carry_out(proposal, by, reason, now)


@transaction.atomic
def decline(*, proposal: Proposal, by: Actor, now: datetime, reason: str = "") -> None:
    """Decline the proposal, as a second person. Raises Refusal."""
    _lock(proposal)
    _end(proposal, Outcome.DECLINED, _second_person(proposal, by), now)
    _record(Action.PROPOSAL_DECLINED, proposal, by, reason)


@transaction.atomic
def withdraw(*, proposal: Proposal, by: Actor, now: datetime, reason: str) -> None:
    """Withdraw the proposal, as its proposer. Raises Refusal."""
    _lock(proposal)
    proposer = _first_person(Proposal.Kind(proposal.kind), proposal.about, by)
    if proposer != proposal.proposed_by:
        raise Refusal(Code.PROPOSAL_OF_ANOTHER)
    _end(proposal, Outcome.WITHDRAWN, proposer, now)
    _record(Action.PROPOSAL_WITHDRAWN, proposal, by, reason)


def may_decide(proposal: Proposal, user: User) -> bool:
    """Return whether this member of the team may be the second person; then the page shows the buttons."""
    return not four_eyes.is_own(proposal, user) and not _is_about(proposal, user)


def is_out_of_date(proposal: Proposal) -> bool:
    """Return whether the values to replace have changed since the proposal."""
    return proposal_kinds.content_hash(proposal) != proposal.content_hash


def _record(action: Action, proposal: Proposal, by: Actor, reason: str) -> None:
    changes = {**_named(proposal), **four_eyes.first_of_two(proposal)}
    log.record(action=action, actor=by, subject=proposal.about, changes=changes, note=by.because(reason))


def _named(proposal: Proposal) -> proposal_kinds.Changes:
    return {"proposal": (None, proposal.kind)}


def _team_member(by: Actor) -> User:
    if by.user is None or by.user.role != User.Role.SECURITY or not by.user.is_active:
        raise Refusal(Code.NOT_SECURITY_TEAM)
    return by.user


def _first_person(kind: Proposal.Kind, about: About | Scope | Issuer, by: Actor) -> User:
    """Return the person who may propose this: an owner for a webhook of their API, else a member of the team."""
    if kind != Proposal.Kind.WEBHOOK_ADDED or not isinstance(about, Api):
        return _team_member(by)
    if by.user is None or not about.is_owned_by(by.user):
        raise Refusal(Code.NOT_API_OWNER)
    return by.user


def _second_person(proposal: Proposal, by: Actor) -> User:
    """Return the second person: another member of the team, an owner of the client, or another owner of the API."""
    user = by.user
    if user is not None and not user.is_staff_member and proposal.kind in Proposal.OWNERS_DECIDE:
        owners = proposal.client.contacts.filter(role=ClientContact.Role.OWNER) if proposal.client else None
        if user.is_active and owners is not None and owners.filter(user=user).exists():
            return user
    of_api = proposal.api if proposal.kind == Proposal.Kind.WEBHOOK_ADDED else None
    member = user if user and of_api and of_api.is_owned_by(user) else _team_member(by)
    if four_eyes.is_own(proposal, member):
        raise Refusal(Code.OWN_PROPOSAL)
    _refuse_own_client(proposal, member)
    if _is_about(proposal, member):
        raise Refusal(Code.PROPOSAL_ABOUT_YOU)
    return member


def _is_about(proposal: Proposal, member: User) -> bool:
    """Return whether the proposal is about this member's own account."""
    of_staff = proposal.kind in Proposal.OF_STAFF
    return of_staff and email_addresses.is_same_person(proposal.content["email"], member.email)


def _refuse_own_client(proposal: Proposal, member: User) -> None:
    """Refuse a member of the team who is a contact of the client."""
    if proposal.client is not None and proposal.client.contacts.filter(user=member).exists():
        raise Refusal(Code.CONTACT_OF_THE_CLIENT)


def _set_about(proposal: Proposal, about: About | Scope | Issuer) -> None:
    if isinstance(about, Client):
        proposal.client = about
    elif isinstance(about, Scope):
        proposal.scope = about
    elif isinstance(about, Issuer):
        proposal.issuer = about
    elif isinstance(about, Api):
        proposal.api = about


def _lock(proposal: Proposal) -> None:
    """Lock the client, scope or issuer, like every act on it, and load its present state."""
    if proposal.client is not None:
        proposal.client = Client.objects.locked(proposal.client.pk)
    elif proposal.scope is not None:
        proposal.scope = Scope.objects.select_for_update(no_key=True).get(pk=proposal.scope.pk)
    elif proposal.issuer is not None:
        proposal.issuer = Issuer.objects.select_for_update(no_key=True).get(pk=proposal.issuer.pk)


def _end(proposal: Proposal, outcome: Proposal.Outcome, by: User, now: datetime) -> None:
    """End the proposal; of concurrent decisions only the first succeeds. Raises Refusal."""
    waiting = Proposal.objects.filter(pk=proposal.pk, outcome=Outcome.WAITING, void_at__gt=now)
    if not waiting.update(outcome=outcome, decided_by=by, decided_at=now):
        raise Refusal(Code.PROPOSAL_OVER)
    proposal.outcome, proposal.decided_by, proposal.decided_at = outcome, by, now
