"""Deprecate a scope: it ends on a date, of which its holders hear in time (docs/decisions/0035)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts import catalogue, four_eyes
from clients.mail import outbox
from clients.mail.notifications import tell_contacts_of_many
from clients.models import ApiOwner, Mail, Notice, Proposal, Scope
from clients.refusal_codes import Code
from clients.team import notices
from foundation.refusals import Refusal

MIN_NOTICE = timedelta(days=7)  # a scope that must end earlier is retired


@dataclass(frozen=True)
class Plan:
    """When the scope is retired, the scope to ask for instead, if there is one, and the reason, for its holders."""

    retires_at: datetime
    successor: Scope | None
    reason: str

    @property
    def content(self) -> dict[str, str]:
        """Return the plan as the content of a proposal."""
        successor = self.successor.name if self.successor else ""
        return {"retires_at": self.retires_at.isoformat(), "successor": successor, "reason": self.reason}


def check(*, scope: Scope, plan: Plan, now: datetime) -> None:
    """Raise Refusal for a scope that cannot be deprecated so."""
    catalogue.refuse_built_in(scope.name)
    if scope.retired_at is not None:
        raise Refusal(Code.SCOPE_RETIRED_ALREADY)
    if scope.is_deprecated:
        raise Refusal(Code.SCOPE_DEPRECATED_ALREADY)
    if plan.retires_at < now + MIN_NOTICE:
        raise Refusal(Code.SCOPE_ENDS_TOO_SOON, days=MIN_NOTICE.days)
    if plan.successor is not None and not _can_follow(plan.successor, scope):
        raise Refusal(Code.SUCCESSOR_NOT_OFFERED, name=plan.successor.name)


def _can_follow(successor: Scope, scope: Scope) -> bool:
    offered = Scope.objects.offered().filter(pk=successor.pk).exclude(pk=scope.pk)
    return offered.exists() and not successor.is_built_in


@transaction.atomic
def deprecate(
    *, scope: Scope, plan: Plan, by: Actor, now: datetime, reason: str = "", agreed: Proposal | None = None
) -> None:
    """Deprecate a scope: no new client gets it, and it is retired on the date of the plan.

    With holders, a member of staff needs the proposal `agreed`, which this carries out, for a `reason` of their own.
    Every contact of these clients and every owner of the API gets a mail. Raises Refusal and four_eyes.NeedsColleague.
    """
    locked = Scope.objects.select_for_update(no_key=True).get(pk=scope.pk)
    check(scope=locked, plan=plan, now=now)
    if held_by := locked.holders.count():
        four_eyes.check(by=by, agreed=agreed)
    scope.deprecated_at = scope.warned_at = now
    scope.retires_at, scope.successor, scope.deprecation_reason = plan.retires_at, plan.successor, plan.reason
    scope.save(update_fields=["deprecated_at", "warned_at", "retires_at", "successor", "deprecation_reason"])
    tell_holders(scope, now)
    _tell_owners(scope, Notice.Kind.SCOPE_DEPRECATED, held_by, now)
    changes = {
        "retires_at": (None, plan.retires_at.isoformat()),
        "successor": (None, plan.successor.name if plan.successor else None),
        "clients": (None, held_by), **four_eyes.first_of_two(agreed),
    }  # fmt: skip
    note = by.because(reason or plan.reason)
    log.record(action=Action.SCOPE_DEPRECATED, actor=by, subject=scope, changes=changes, note=note)


@transaction.atomic
def withdraw(*, scope: Scope, reason: str, by: Actor, now: datetime) -> None:
    """Withdraw the deprecation before its date: the scope stays, and can be asked for again.

    Takes one person, since no client gets anything that it does not have. Its holders and the owners of its API are
    mailed. Raises Refusal.
    """
    locked = Scope.objects.select_for_update(no_key=True).get(pk=scope.pk)
    if not locked.is_deprecated:
        raise Refusal(Code.SCOPE_NOT_DEPRECATED)
    retires_at, successor = locked.retires_at, locked.successor
    scope.deprecated_at = scope.warned_at = scope.retires_at = scope.successor = None
    scope.deprecation_reason = ""
    scope.save(update_fields=["deprecated_at", "warned_at", "retires_at", "successor", "deprecation_reason"])
    action = Action.SCOPE_KEPT
    tell_contacts_of_many(clients=scope.holders, action=action, subject=scope.name, by=by, now=now)
    _tell_owners(scope, Notice.Kind.SCOPE_KEPT, scope.holders.count(), now)
    changes = {"retires_at": (retires_at, None), "successor": (successor.name if successor else None, None)}
    log.record(action=action, actor=by, subject=scope, changes=changes, note=by.because(reason))


def tell_holders(scope: Scope, now: datetime) -> None:
    """Mail each contact of each holder when the scope ends, why, and the scope to ask for instead."""
    kind = Mail.Kind.SCOPE_DEPRECATED
    outbox.queue_for_contacts_of_many(clients=scope.holders, kind=kind, facts=_facts(scope), now=now)


def _tell_owners(scope: Scope, kind: Notice.Kind, holders: int, now: datetime) -> None:
    """Mail the owners of the API, and tell their webhooks, when the scope ends, or that it stays."""
    facts = _facts(scope)
    about = {"retires_at": facts["until"], "successor": facts["successor"]} if scope.is_deprecated else {}
    notices.note_scope(kind, scope, about=about, now=now)
    facts |= {"api": scope.api.identifier, "api_name": scope.api.name, "holders": holders}
    for owner in ApiOwner.objects.acting().filter(api=scope.api_id).select_related("user").order_by("pk"):
        outbox.queue_for(user=owner.user, kind=Mail.Kind.SCOPE_END_FOR_OWNER, facts=facts, now=now)


def _facts(scope: Scope) -> dict[str, Any]:
    """Return the end, the reason and the successor as facts of a mail; empty for a scope that stays."""
    return {
        "scope": scope.name, "until": scope.retires_at.isoformat() if scope.retires_at else "",
        "successor": scope.successor.name if scope.successor else "", "message": scope.deprecation_reason,
    }  # fmt: skip
