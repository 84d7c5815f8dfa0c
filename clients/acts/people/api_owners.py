"""Acts on the owners of an API: the Security team names and removes them, two people each time."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts import four_eyes
from clients.acts.people import staff
from clients.models import Api, ApiOwner, Proposal, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal


def owner(api: Api, email: str) -> ApiOwner | None:
    """Return the row of the owner with this address, or None."""
    known = User.objects.with_address(email).first()
    return api.owners.select_related("user").filter(user=known).first() if known else None


@transaction.atomic
def name_owner(
    *, api: Api, email: str, name: str, reason: str = "", agreed: Proposal | None = None, by: Actor, now: datetime
) -> ApiOwner:
    """Make a person owner of an API; somebody new is invited to sign in like staff, with this role alone.

    A member of staff needs the proposal `agreed`, which this carries out. Raises Refusal and four_eyes.NeedsColleague.
    """
    four_eyes.check(by=by, agreed=agreed)
    Api.objects.select_for_update(no_key=True).get(pk=api.pk)
    if owner(api, email) is not None:
        raise Refusal(Code.OWNER_ALREADY)
    user = User.objects.with_address(email).first()
    if user is None or user.role != User.Role.API_OWNER or not user.is_active:
        user = staff.invite_staff(
            email=email, name=name, role=User.Role.API_OWNER, reason=reason, agreed=agreed, by=by, now=now
        )
    made = ApiOwner.objects.create(api=api, user=user, named_at=now)
    changes = {"api_owner": (None, user.audit_label), **four_eyes.first_of_two(agreed)}
    log.record(action=Action.API_OWNER_NAMED, actor=by, subject=api, changes=changes, note=by.because(reason))
    return made


@transaction.atomic
def remove_owner(
    *, api: Api, email: str, reason: str, agreed: Proposal | None = None, by: Actor, now: datetime
) -> None:
    """Remove an owner, who sees nothing of the API from then on, and withdraw what they proposed for it.

    Raises Refusal and four_eyes.NeedsColleague.
    """
    four_eyes.check(by=by, agreed=agreed)
    Api.objects.select_for_update(no_key=True).get(pk=api.pk)
    row = owner(api, email)
    if row is None:
        raise Refusal(Code.CHANGED_MEANWHILE)
    row.delete()
    Proposal.objects.filter(api=api).take_back(row.user, now)
    changes = {"api_owner": (row.user.audit_label, None), **four_eyes.first_of_two(agreed)}
    log.record(action=Action.API_OWNER_REMOVED, actor=by, subject=api, changes=changes, note=by.because(reason))
