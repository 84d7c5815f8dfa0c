"""Clients that nobody uses: tell their contacts, keep one, suspend it, and undo that (docs/decisions/0032)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import KEYDESK_ITSELF, Actor
from clients.acts import lifecycle
from clients.mail import outbox
from clients.mail.notifications import tell_contacts
from clients.models import Client, Mail
from clients.refusal_codes import Code
from foundation.refusals import Refusal

NOTICE = timedelta(days=30)  # from the mail to the suspension
UNDO = timedelta(days=30)  # from the suspension, by a contact
REASON = "unused"  # of the suspension, in the change log


def tell(*, client: Client, since: datetime, now: datetime) -> None:
    """Mail the contacts that the client is unused and when it is suspended. The caller has locked the client."""
    Client.objects.filter(pk=client.pk).update(unused_told_at=now)
    facts = {"since": since.isoformat(), "until": (now + NOTICE).isoformat()}
    outbox.queue_for_contacts(client=client, kind=Mail.Kind.CLIENT_UNUSED, facts=facts, now=now)


def suspend(*, client: Client, now: datetime) -> None:
    """Suspend the client by the rule, with the end of its undo. The caller has locked the client."""
    by = Actor(system=KEYDESK_ITSELF)
    lifecycle.suspend(client=client, reason=REASON, by=by, now=now, undo_until=now + UNDO)


@transaction.atomic
def keep(*, client: Client, by: Actor, now: datetime) -> None:
    """Count this as a use of a client whose contacts were told. Raises Refusal if it is kept or suspended already."""
    locked = Client.objects.locked(client.pk)
    if not locked.is_active or locked.unused_told_at is None:
        raise Refusal(Code.CLIENT_CHANGED)
    Client.objects.filter(pk=client.pk).update(unused_from=now, unused_told_at=None)
    log.record(action=Action.CLIENT_KEPT, actor=by, subject=client)
    tell_contacts(client=client, action=Action.CLIENT_KEPT, subject=client.audit_label, by=by, now=now)


@transaction.atomic
def undo(*, client: Client, by: Actor, now: datetime) -> None:
    """Reactivate a client that the rule suspended. Raises Refusal after UNDO, and for any other suspension."""
    if not Client.objects.locked(client.pk).may_be_undone(now):
        raise Refusal(Code.UNDO_IS_OVER)
    lifecycle.reactivate(client=client, reason="", by=by, now=now)
