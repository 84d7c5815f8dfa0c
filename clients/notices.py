"""The mail that every critical change of a client sends to all of its contacts."""

from __future__ import annotations

from datetime import datetime

from audit.actions import Action
from clients import outbox
from clients.actors import Actor
from clients.models import Client, Mail


def tell_contacts(*, client: Client, action: Action, subject: str, by: Actor, now: datetime, detail: str = "") -> None:
    """Says what happened, to what, when and by whom; never anything secret. `detail`: whom or what else."""
    facts = {"action": action.value, "subject": subject, "detail": detail, "by": by.label, "at": now.isoformat()}
    outbox.queue_for_contacts(client=client, kind=Mail.Kind.CLIENT_CHANGED, facts=facts, now=now)
