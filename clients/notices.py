"""Mails about what happened: a critical change of a client to all of its contacts, a request to who follows it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from audit.actions import Action
from clients import outbox
from clients.actors import Actor
from clients.models import Client, ClientContact, Mail, Registration, User


def tell_contacts(*, client: Client, action: Action, subject: str, by: Actor, now: datetime, detail: str = "") -> None:
    """Says what happened, to what, when and by whom; never anything secret. `detail`: whom or what else."""
    facts = _facts(action, subject, by, now, detail)
    outbox.queue_for_contacts(client=client, kind=Mail.Kind.CLIENT_CHANGED, facts=facts, now=now)


def tell_contacts_of_many(*, clients: QuerySet[Client], action: Action, subject: str, by: Actor, now: datetime) -> None:
    """The same about something that many clients have, one mail to each contact of each."""
    facts = _facts(action, subject, by, now)
    outbox.queue_for_contacts_of_many(clients=clients, kind=Mail.Kind.CLIENT_CHANGED, facts=facts, now=now)


def _facts(action: Action, subject: str, by: Actor, now: datetime, detail: str = "") -> dict[str, str]:
    return {"action": action.value, "subject": subject, "detail": detail, "by": by.label, "at": now.isoformat()}


def tell_requester(*, registration: Registration, kind: Mail.Kind, now: datetime, message: str = "") -> None:
    """To who asked. A change that somebody asked who is no contact any more is the owners' now."""
    for user in _followers(registration):
        outbox.queue(
            kind=kind, to=user.email, language=user.language, user=user, registration=registration,
            client=registration.client, facts={"message": message}, now=now,
        )  # fmt: skip


def _followers(registration: Registration) -> list[User]:
    client, user = registration.client, registration.person
    if client is None or client.contacts.filter(user=user).exists():
        return [user]
    owners = client.contacts.filter(role=ClientContact.Role.OWNER).select_related("user")
    return [row.user for row in owners]
