"""The kinds of proposals about staff: the difference that each makes, and the act that carries it out."""

from __future__ import annotations

from datetime import datetime

from clients.actors import Actor
from clients.acts.people import staff
from clients.models import Proposal, User

Changes = dict[str, tuple[object, object]]


def changes(proposal: Proposal) -> Changes:
    content, user = proposal.content, User.objects.with_address(proposal.content["email"]).first()
    before = (user.audit_label, user.role) if user and user.is_active else (None, None)
    invited = proposal.kind == Proposal.Kind.STAFF_INVITED
    after = (f"{content['name']} <{content['email']}>", content["role"]) if invited else (None, None)
    return {"email": (before[0], after[0]), "role": (before[1], after[1])}


def can_invite(proposal: Proposal, _now: datetime) -> None:
    staff.check_invitation(email=proposal.content["email"], role=User.Role(proposal.content["role"]))


def invite(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    content = proposal.content
    staff.invite_staff(
        email=content["email"], name=content["name"], role=User.Role(content["role"]), reason=reason, agreed=proposal,
        by=by, now=now,
    )  # fmt: skip


def can_deactivate(proposal: Proposal, _now: datetime) -> None:
    staff.member(proposal.content["email"])


def deactivate(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    staff.deactivate_staff(email=proposal.content["email"], reason=reason, agreed=proposal, by=by, now=now)
