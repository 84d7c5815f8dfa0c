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

    `agreed` is the proposal that is being carried out. Raises NeedsColleague.
    """
    if by.user is None or not by.user.is_staff_member:
        return
    if agreed is None or is_same_person(agreed.proposed_by, by.user):
        raise NeedsColleague


def is_same_person(one: User, other: User) -> bool:
    """Return whether two accounts are of one person: of the same mailbox."""
    return one.pk == other.pk or email_addresses.is_same_person(one.email, other.email)


def first_of_two(agreed: Proposal | None) -> dict[str, tuple[object, object]]:
    """Return the proposer and the reason, for the entry of the act that carries the proposal out."""
    if agreed is None:
        return {}
    return {"proposed_by": (None, agreed.proposed_by.audit_label), "proposal_reason": (None, agreed.reason)}
