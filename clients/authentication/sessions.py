"""Ending of sessions: by their owner, by the Security team, and with each change of the ways to sign in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.access import management_links
from clients.actors import Actor
from clients.models import User

Changes = dict[str, tuple[object, object]]


@transaction.atomic
def end(*, user: User, uid: UUID, by: Actor, now: datetime) -> bool:
    """End a session of this person; return False when it had ended already."""
    if not user.sessions.alive(now).filter(uid=uid).exists():
        return False
    before = user.sessions.alive(now).count()
    user.sessions.filter(uid=uid).delete()
    log.record(action=Action.SESSIONS_ENDED, actor=by, subject=user, changes={"sessions": (before, before - 1)})
    return True


@transaction.atomic
def end_all(*, user: User, by: Actor, now: datetime, keep: UUID | None = None, reason: str = "") -> int:
    """End every session of this person but `keep`, and their unused links; return the number of sessions.

    An invitation to the staff stays: it opens only the pages where a sign-in is set up.
    """
    before = user.sessions.alive(now).count()
    changes = drop(user=user, keep=keep, now=now)
    if not user.is_staff_member:
        management_links.revoke_all(user=user, now=now)
    log.record(action=Action.SESSIONS_ENDED, actor=by, subject=user, changes=changes, note=reason)
    return before - user.sessions.alive(now).count()


def drop(*, user: User, keep: UUID | None, now: datetime) -> Changes:
    """End the sessions as part of another act, whose entry takes the returned changes."""
    before = user.sessions.alive(now).count()
    (user.sessions.exclude(uid=keep) if keep else user.sessions.all()).delete()
    return {"sessions": (before, user.sessions.alive(now).count())}
