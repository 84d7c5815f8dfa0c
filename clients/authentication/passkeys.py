"""Entries and mails about passkeys of contacts; allauth makes and checks the passkeys."""

from __future__ import annotations

from datetime import datetime

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.authentication import sessions
from clients.mail import outbox
from clients.mail.notifications import own_act_facts
from clients.models import Mail, User


def note_added(*, user: User, name: str, by: Actor, now: datetime) -> None:
    """Log a new passkey and mail the person, in the same transaction, so that a thief of a link cannot hide it.

    Their other sessions end: an intruder in one of them must sign in again.
    """
    _note(Action.PASSKEY_ADDED, user, name, by, now)


def note_removed(*, user: User, name: str, by: Actor, now: datetime) -> None:
    _note(Action.PASSKEY_REMOVED, user, name, by, now)


def _note(action: Action, user: User, name: str, by: Actor, now: datetime) -> None:
    ended = sessions.drop(user=user, keep=by.session, now=now)
    log.record(action=action, actor=by, subject=log.StaticSubject(user.audit_id, name), changes=ended)
    facts = own_act_facts(action=action, subject=name, by=by, now=now)
    outbox.queue(kind=Mail.Kind.PASSKEY_CHANGED, to=user.email, language=user.language, user=user, facts=facts, now=now)
