"""Acts that take two of the Security team: one proposes, another confirms (clients/acts/proposals.py)."""

from __future__ import annotations

from clients.actors import Actor
from clients.models import Proposal, User
from clients.refusal_codes import Code
from foundation import email_addresses
from foundation.refusals import Refusal


class NeedsColleague(Refusal):
    """The act takes two people, and there is no proposal of another person: the caller proposes the act instead."""

    def __init__(self) -> None:
        super().__init__(Code.NEEDS_COLLEAGUE)


def check(*, by: Actor, agreed: Proposal | None) -> None:
    """Refuse a member of staff who acts alone where two are needed. Operators and contacts are not staff.

    A program of the Security team only proposes (API M-7). `agreed` is the proposal that is being carried out. Raises
    NeedsColleague.
    """
    if by.for_team:
        raise NeedsColleague
    if by.user is None or not by.user.is_staff_member:
        return
    if agreed is None or is_own(agreed, by.user):
        raise NeedsColleague


def is_own(proposal: Proposal, user: User) -> bool:
    """Return whether this person made the proposal, or looks after the program that made it."""
    if proposal.proposed_by is not None:
        return is_same_person(proposal.proposed_by, user)
    contacts = proposal.program.contacts.select_related("user") if proposal.program else []
    return any(is_same_person(row.user, user) for row in contacts)


def is_same_person(one: User, other: User) -> bool:
    """Return whether two accounts are of one person: of the same mailbox."""
    return one.pk == other.pk or email_addresses.is_same_person(one.email, other.email)


def first_of_two(agreed: Proposal | None) -> dict[str, tuple[object, object]]:
    """Return the proposer and the reason, for the entry of the act that carries the proposal out."""
    if agreed is None:
        return {}
    return {"proposed_by": (None, agreed.proposer.audit_label), "proposal_reason": (None, agreed.reason)}
