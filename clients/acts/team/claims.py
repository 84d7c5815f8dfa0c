"""Claims: "I have this one". They tell colleagues who works on a request, and forbid them nothing.

A claim is no entry of the change log, because nothing that others rely on depends on it (docs/decisions/0027).
"""

from __future__ import annotations

from datetime import datetime

from clients.actors import Actor
from clients.models import Registration, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal


def claim(*, registration: Registration, instead_of: User | None = None, by: Actor, now: datetime) -> None:
    """Take an open request, also from the colleague `instead_of` whom the page showed. Raises Refusal.

    Of two at once one wins; the other learns who.
    """
    _check_member(by)
    rows = Registration.objects.open().filter(pk=registration.pk, claimed_by__in=[by.user])
    free = Registration.objects.open().filter(pk=registration.pk, claimed_by=instead_of)
    if not (free.update(claimed_by=by.user, claimed_at=now) or rows.exists()):
        raise Refusal(Code.CLAIMED_MEANWHILE)
    registration.claimed_by, registration.claimed_at = by.user, now


def release(*, registration: Registration, by: Actor) -> None:
    """Give a request of one's own back. One that is somebody else's stays theirs."""
    _check_member(by)
    Registration.objects.filter(pk=registration.pk, claimed_by=by.user).update(claimed_by=None, claimed_at=None)


def _check_member(by: Actor) -> None:
    if by.user is None or by.user.role != User.Role.SECURITY:
        raise Refusal(Code.NOT_SECURITY_TEAM)
