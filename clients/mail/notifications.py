"""Mails about what happened: an act on a client to its contacts, a decision on a request to who follows it.

Which acts are told at once and which are collected is docs/mails.md; the two lists are ALARMING and HARMLESS.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from audit.actions import Action
from clients.access import networks
from clients.actors import ITSELF, Actor
from clients.mail import outbox
from clients.models import Client, ClientContact, Mail, Proposal, Registration, User

SAME_AGAIN = timedelta(hours=1)

# Acts with a mail kind of their own, which says what stopped and what to do.
OWN_KIND = {
    Action.INCIDENT_REVOKED: Mail.Kind.LEAK_REVOKED,
    Action.CLIENT_SUSPENDED: Mail.Kind.CLIENT_SUSPENDED,
    Action.CLIENT_REACTIVATED: Mail.Kind.CLIENT_REACTIVATED,
    Action.CLIENT_CLOSED: Mail.Kind.CLIENT_CLOSED,
    Action.KEY_REFUSED: Mail.Kind.PRIVATE_KEY_RECEIVED,
    Action.SCOPE_RETIRED: Mail.Kind.SCOPE_RETIRED,
}
# Acts that let somebody in, or change who is told. Each is one mail, at once, to every contact: also to who did it,
# for the session may be somebody else's.
ALARMING = {
    *OWN_KIND,
    Action.SECRET_CREATED,
    Action.SECRET_REGENERATED,
    Action.SECRET_VIEWED,
    Action.SECRET_AUTHENTICATION_ON,
    Action.KEY_ADDED,
    Action.KEY_DISPLACED,
    Action.CLIENT_ID_CHANGED,
    Action.CLIENT_SCOPES_CHANGED,
    Action.CLIENT_SETTINGS_CHANGED,
    Action.CLIENT_CONTACT_ADDED,
    Action.CLIENT_CONTACT_REMOVED,
    Action.CLIENT_CONTACT_ROLE_CHANGED,
}
# Acts that only take something away. From a network that the person is known by they are collected for ten minutes,
# and not mailed to who did them.
HARMLESS = {
    Action.SECRET_ENDED,
    Action.SECRET_AUTHENTICATION_OFF,
    Action.KEY_ACTIVATED,
    Action.KEY_RETIRED,
    Action.CLIENT_TOKENS_INVALIDATED,
    Action.CREDENTIAL_TOKENS_INVALIDATED,
    Action.TOKEN_REVOKED,
}


def tell_contacts(
    *,
    client: Client,
    action: Action,
    subject: str,
    by: Actor,
    now: datetime,
    detail: str = "",
    message: str = "",
    **facts: Any,
) -> None:
    """Queue the mails about an act on a client. Nothing secret may be in them.

    `detail` is whom or what else the act was about, `message` what the Security team writes to the contacts; `facts` is
    what else the kind's text says (clients/mail/words.py): `until`, `old`, `what`.
    """
    act, sighting = _facts(action, subject, by, now, detail, message, **facts), _sighting(by, now)
    act |= {"new_network": sighting.new}
    if not by.is_contact or not _is_harmless(client, action, act, sighting, now):
        kind = OWN_KIND.get(action, Mail.Kind.CLIENT_CHANGED)
        outbox.queue_for_contacts(client=client, kind=kind, facts=act, now=now)
        return
    not_to = None if sighting.new else by.user
    outbox.bundle_for_contacts(client=client, act=act, not_to=not_to, now=now)


def tell_contacts_of_many(
    *, clients: QuerySet[Client], action: Action, subject: str, by: Actor, now: datetime, message: str = ""
) -> None:
    """The same about something that many clients have, one mail to each contact of each."""
    facts = _facts(action, subject, by, now, message=message)
    kind = OWN_KIND.get(action, Mail.Kind.CLIENT_CHANGED)
    outbox.queue_for_contacts_of_many(clients=clients, kind=kind, facts=facts, now=now)


def act_of(*, action: Action, subject: str, by: Actor, now: datetime) -> dict[str, Any]:
    """What a mail to the person alone says of their own act: also where it came from, and whether that is new."""
    return _facts(action, subject, by, now) | {"new_network": _sighting(by, now).new}


def _facts(
    action: Action, subject: str, by: Actor, now: datetime, detail: str = "", message: str = "", **more: Any
) -> dict[str, Any]:
    """JSON, for the mail's row."""
    facts = {"action": action.value, "subject": subject, "at": now.isoformat(), "detail": detail, "message": message}
    return {**facts, **who(by), **more}


def who(by: Actor) -> dict[str, Any]:
    """A contact with name, address, network and browser; of anybody else only that it was the Security team.

    What Keydesk did by itself, as a rule demands, is told as that.
    """
    if by.user is None and by.system == ITSELF:
        return {"by": settings.SERVICE_NAME}
    if by.user is None or not by.is_contact:
        return {"team": True}
    network = networks.network_of(by.address)
    person = {"by": str(by.user), "by_email": by.user.email, "by_id": by.user.pk}
    return {**person, "network": network, "browser": by.browser}


def _sighting(by: Actor, now: datetime) -> networks.Sighting:
    if by.user is None or not by.is_contact:
        return networks.Sighting(first=False, new=False)
    return networks.see(user=by.user, address=by.address, now=now)


def _is_harmless(
    client: Client, action: Action, act: dict[str, Any], sighting: networks.Sighting, now: datetime
) -> bool:
    """Whether the mail can wait. The first act from a network never can: it may be somebody who has just got in."""
    if action in HARMLESS:
        return not sighting.first
    return action == Action.SECRET_VIEWED and _was_told(client, act, now)


def _was_told(client: Client, act: dict[str, Any], now: datetime) -> bool:
    """The contacts were mailed within the hour that this person saw this secret from this network."""
    same = {f"facts__{name}": act[name] for name in ("action", "subject", "by_id", "network")}
    return client.mails.filter(kind=Mail.Kind.CLIENT_CHANGED, created_at__gt=now - SAME_AGAIN, **same).exists()


def ask_owners(*, proposal: Proposal, now: datetime) -> None:
    """A contact that the Security team proposes waits for a second person: an owner can be that."""
    content = proposal.content
    facts = {
        "proposal": str(proposal.uid), "person": content["name"], "email": content["email"], "role": content["role"],
        "until": proposal.void_at.isoformat(),
    }  # fmt: skip
    owners = proposal.client.contacts.filter(role=ClientContact.Role.OWNER) if proposal.client else []
    for user in User.objects.filter(contact_of__in=owners, is_active=True):
        outbox.queue(
            kind=Mail.Kind.CONTACT_PROPOSED, to=user.email, language=user.language, user=user, client=proposal.client,
            facts=facts, now=now,
        )  # fmt: skip


def tell_requester(
    *, registration: Registration, kind: Mail.Kind, now: datetime, message: str = "", **facts: Any
) -> None:
    """To who asked. A change that somebody asked who is no contact any more is the owners' now."""
    for user in _followers(registration):
        outbox.queue(
            kind=kind, to=user.email, language=user.language, user=user, registration=registration,
            client=registration.client, facts={"message": message, **facts}, now=now,
        )  # fmt: skip


def _followers(registration: Registration) -> list[User]:
    client, user = registration.client, registration.person
    if client is None or client.contacts.filter(user=user).exists():
        return [user]
    owners = client.contacts.filter(role=ClientContact.Role.OWNER).select_related("user")
    return [row.user for row in owners]
