"""Entries about sign-in and sign-out of staff and about guesses, and the mail about a new device.

An attacker causes at most 25 entries a day for each member of staff; every failure is a line of the process log
(portal/sign_in/attempts.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from audit import log
from audit.actions import Action
from audit.models import Entry
from clients.access import networks
from clients.actors import Actor
from clients.mail import outbox
from clients.models import Mail, User

FAILED_TOLD_EVERY = timedelta(hours=1)
LIMITED_TOLD_EVERY = timedelta(days=1)


@transaction.atomic
def note_signed_in(*, user: User, method: str, known_device: bool, by: Actor, now: datetime) -> None:
    """Log a sign-in of a member of staff; mail them when its device or network is new.

    `method`, for the change log: "password and authenticator app", "passkey", "single sign-on".
    """
    sighting = networks.see(user=user, address=by.address, now=now)
    if sighting.first or not known_device:
        facts = {"at": now.isoformat(), "network": networks.network_of(by.address), "browser": by.browser}
        outbox.queue(kind=Mail.Kind.NEW_SIGN_IN, to=user.email, language=user.language, user=user, facts=facts, now=now)
    log.record(action=Action.STAFF_SIGNED_IN, actor=by, subject=user, note=method)


@transaction.atomic
def note_signed_out(*, user: User, by: Actor) -> None:
    log.record(action=Action.STAFF_SIGNED_OUT, actor=by, subject=user)


def note_failed(*, user: User, factor: str, by: Actor, now: datetime) -> None:
    """Log, once an hour, that an attempt to sign in as this person failed. `factor`: "password", "code", "passkey"."""
    _note_once(Action.STAFF_SIGN_IN_FAILED, every=FAILED_TOLD_EVERY, user=user, note=factor, by=by, now=now)


def note_limited(*, user: User, by: Actor, now: datetime) -> None:
    """Log, once a day, that attempts to sign in as this person are refused after too many failures."""
    _note_once(Action.STAFF_SIGN_IN_LIMITED, every=LIMITED_TOLD_EVERY, user=user, note="", by=by, now=now)


@transaction.atomic
def _note_once(action: Action, *, every: timedelta, user: User, note: str, by: Actor, now: datetime) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    told = Entry.objects.with_action(action).filter(subject_id=user.audit_id)
    if not told.filter(at__gt=now - every).exists():
        log.record(action=action, actor=by, subject=user, note=note)


@transaction.atomic
def note_passkey_used(*, user: User, by: Actor) -> None:
    """Log a contact's sign-in with a passkey (clients/access/management_links.py logs the use of a link)."""
    log.record(action=Action.PASSKEY_USED, actor=by, subject=user)
