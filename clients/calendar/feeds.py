"""The address of a contact's calendar (docs/decisions/0031): a credential that opens the names and ends, and no act.

The address holds 256 random bits; the row has their SHA-256. The address is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.models import CalendarFeed, Client, User


@transaction.atomic
def make(*, user: User, by: Actor, now: datetime) -> str:
    """Make the person's address, and return it; the one before stops working."""
    token = secrets.token_urlsafe(32)
    CalendarFeed.objects.update_or_create(user=user, defaults={"digest": _digest(token), "made_at": now})
    log.record(action=Action.CALENDAR_MADE, actor=by, subject=user)
    return f"{settings.PUBLIC_URL}{reverse('public:calendar_feed', args=[token])}"


@transaction.atomic
def end(*, user: User, by: Actor) -> None:
    """Switch the person's address off; does nothing if there is none."""
    if CalendarFeed.objects.filter(user=user).delete()[0]:
        log.record(action=Action.CALENDAR_ENDED, actor=by, subject=user)


def end_without_clients(users: Iterable[int]) -> None:
    """Switch off the addresses of those who are contacts of no open client any more. Part of an act, which logs it."""
    open_clients = Client.objects.exclude(status=Client.Status.CLOSED)
    CalendarFeed.objects.filter(user__in=users).exclude(user__contact_of__client__in=open_clients).delete()


def end_with_account(user: User) -> None:
    """Switch off the address that a lost account may have made. Part of an act, which logs it."""
    CalendarFeed.objects.filter(user=user).delete()


def reader(token: str) -> User | None:
    """Return the contact whose address this is; None for an unknown one, and for one that was switched off."""
    of_contacts = CalendarFeed.objects.filter(user__is_active=True, user__role=User.Role.CONTACT)
    feed = of_contacts.select_related("user").filter(digest=_digest(token)).first()
    return feed.user if feed else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
