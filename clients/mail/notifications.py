"""Notifications: acts on a client to its contacts, decisions on a request to the people who follow it.

docs/mails.md tells which acts are mailed at once and which are collected; the lists are ALARMING and HARMLESS.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from audit.actions import Action
from clients.access import networks
from clients.actors import Actor
from clients.mail import outbox
from clients.models import Api, ApiOwner, Client, ClientContact, Mail, Proposal, Registration, User
from clients.team import notices

REPEAT_AFTER = timedelta(hours=1)  # the same sight of a secret is not mailed again before

# Acts with a mail kind of their own, which tells what stopped and what to do.
OWN_KIND = {
    Action.INCIDENT_REVOKED: Mail.Kind.LEAK_REVOKED,
    Action.CLIENT_SUSPENDED: Mail.Kind.CLIENT_SUSPENDED,
    Action.CLIENT_REACTIVATED: Mail.Kind.CLIENT_REACTIVATED,
    Action.CLIENT_CLOSED: Mail.Kind.CLIENT_CLOSED,
    Action.KEY_REFUSED: Mail.Kind.PRIVATE_KEY_RECEIVED,
    Action.CLIENT_DETACHED: Mail.Kind.CLIENT_DETACHED,
    Action.SCOPE_RETIRED: Mail.Kind.SCOPE_RETIRED,
}
# Acts that give access, or change the recipients of mails. Each is one mail, at once, to every contact, the actor
# included, because the session may be an intruder's.
ALARMING = {
    *OWN_KIND,
    Action.SECRET_CREATED,
    Action.SECRET_REGENERATED,
    Action.SECRET_VIEWED,
    Action.SECRET_AUTHENTICATION_ON,
    Action.KEY_ADDED,
    Action.KEY_DISPLACED,
    Action.KEY_DROPPED,
    Action.KEY_TOOK_OVER,
    Action.JWKS_URI_ADDED,
    Action.JWKS_URI_CHANGED,
    Action.JWKS_URI_FAILED,
    Action.JWKS_URI_LOST,
    Action.ISSUER_CHANGED,
    Action.ISSUER_ENABLED,
    Action.ISSUER_DISABLED,
    Action.ADDED_CREDENTIAL_ENDED,
    Action.SELF_SERVICE_ON,
    Action.TRUST_ADDED,
    Action.TRUST_EXTENDED,
    Action.NETWORK_DENIED,
    Action.CLIENT_ID_CHANGED,
    Action.CLIENT_SCOPES_CHANGED,
    Action.CLIENT_SETTINGS_CHANGED,
    Action.CLIENT_CONTACT_ADDED,
    Action.CLIENT_CONTACT_REMOVED,
    Action.CLIENT_CONTACT_ROLE_CHANGED,
}
# Acts that only take something away. From a known network of the person they are collected for ten minutes, and not
# mailed to the actor.
HARMLESS = {
    Action.CLIENT_KEPT,
    Action.CLIENT_RECERTIFIED,
    Action.SECRET_ENDED,
    Action.SECRET_AUTHENTICATION_OFF,
    Action.KEY_ACTIVATED,
    Action.KEY_RETIRED,
    Action.CREDENTIAL_LABELLED,
    Action.JWKS_URI_REMOVED,
    Action.SELF_SERVICE_PAUSED,
    Action.SELF_SERVICE_OFF,
    Action.TRUST_REMOVED,
    Action.NETWORK_CONFIRMED,
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
    """Queue the mails about an act on a client. They must not contain secrets.

    `detail`: the person or thing that the act was about; `message`: the Security team's words to the contacts; `facts`:
    further facts of the kind's text (clients/mail/words.py): `until`, `old`, `what`; `seen_by`, `seen_hint` and
    `seen_at`, who saw which secret when; `added`, the uid of a credential that the mail of an act of the client itself
    leads to (API M-12).
    """
    if by.client is None:
        facts.pop("added", None)
    act, sighting = _facts(action, subject, by, now, detail, message, **facts), _sighting(by, now)
    act |= {"new_network": sighting.new}
    if not by.is_contact or not _is_harmless(client, action, act, sighting, now):
        kind = OWN_KIND.get(action, Mail.Kind.CLIENT_CHANGED)
        outbox.queue_for_contacts(client=client, kind=kind, facts=act, now=now)
        return
    not_to = None if sighting.new else by.user
    outbox.bundle_for_contacts(client=client, act=act, not_to=not_to, now=now)


def drafts(
    *, client: Client, action: Action, subject: str, by: Actor, now: datetime, message: str = "", **facts: Any
) -> list[Mail]:
    """Return the mails that `tell_contacts` would queue, unsaved: one for each language of the contacts."""
    kind = OWN_KIND.get(action, Mail.Kind.CLIENT_CHANGED)
    act = _facts(action, subject, by, now, message=message, **facts)
    first_of = {user.language or settings.LANGUAGE_CODE: user for user in reversed(outbox.contacts_of(client))}
    return [
        Mail(kind=kind, to=user.email, language=language, user=user, client=client, facts=act, created_at=now)
        for language, user in sorted(first_of.items())
    ]


def tell_contacts_of_many(
    *,
    clients: QuerySet[Client],
    action: Action,
    subject: str,
    by: Actor,
    now: datetime,
    message: str = "",
    **facts: Any,
) -> None:
    """Queue the mails about an act that concerns many clients, one to each contact of each."""
    facts = _facts(action, subject, by, now, message=message, **facts)
    kind = OWN_KIND.get(action, Mail.Kind.CLIENT_CHANGED)
    outbox.queue_for_contacts_of_many(clients=clients, kind=kind, facts=facts, now=now)


def own_act_facts(*, action: Action, subject: str, by: Actor, now: datetime) -> dict[str, Any]:
    """Return the facts of a person's own act for a mail to that person, with its network, and whether that is new."""
    return _facts(action, subject, by, now) | {"new_network": _sighting(by, now).new}


def _facts(
    action: Action, subject: str, by: Actor, now: datetime, detail: str = "", message: str = "", **more: Any
) -> dict[str, Any]:
    """Return the facts as JSON, for the mail's row."""
    facts = {"action": action.value, "subject": subject, "at": now.isoformat(), "detail": detail, "message": message}
    return {**facts, **actor_facts(by), **more}


def actor_facts(by: Actor) -> dict[str, Any]:
    """Return a contact's name, address, network and browser; for others only that the Security team acted.

    Acts of Keydesk itself, as a rule demands, name Keydesk.
    """
    if by.is_rule:
        return {"by": settings.SERVICE_NAME}
    network = networks.network_of(by.address)
    if by.client is not None and not by.for_team:
        return {"by": by.label, "network": network}
    if by.user is None or not by.is_contact:
        return {"team": True}
    person = {"by": str(by.user), "by_email": by.user.email, "by_id": by.user.pk}
    return {**person, "network": network, "browser": by.browser}


def _sighting(by: Actor, now: datetime) -> networks.Sighting:
    if by.user is None or not by.is_contact:
        return networks.Sighting(first=False, new=False)
    return networks.see(user=by.user, address=by.address, now=now)


def _is_harmless(
    client: Client, action: Action, act: dict[str, Any], sighting: networks.Sighting, now: datetime
) -> bool:
    """Return whether the mail can wait. The first act from a network cannot: it may be an intruder's."""
    if action in HARMLESS:
        return not sighting.first
    return action == Action.SECRET_VIEWED and _was_told(client, act, now)


def _was_told(client: Client, act: dict[str, Any], now: datetime) -> bool:
    """Return whether the contacts were lately mailed that this person saw this secret from this network."""
    same = {f"facts__{name}": act[name] for name in ("action", "subject", "by_id", "network")}
    return client.mails.filter(kind=Mail.Kind.CLIENT_CHANGED, created_at__gt=now - REPEAT_AFTER, **same).exists()


def ask_owners(*, proposal: Proposal, now: datetime) -> None:
    """Ask the owners to be the second person for a contact that the Security team proposes."""
    content = proposal.content
    facts = {
        "proposal": str(proposal.uid), "person": content["name"], "email": content["email"], "role": content["role"],
        "until": proposal.void_at.isoformat(),
    }  # fmt: skip
    if proposal.client:
        kind, role = Mail.Kind.CONTACT_PROPOSED, ClientContact.Role.OWNER
        outbox.queue_for_contacts(client=proposal.client, kind=kind, role=role, facts=facts, now=now)


def tell_api_owners(*, registration: Registration, now: datetime) -> None:
    """Tell the owners of APIs that a request waits for their word: one mail for each of their APIs, and their webhooks.

    No mail to who asks.
    """
    asked: dict[Api, list[str]] = {}
    for row in registration.asked.undecided().select_related("scope__api"):
        asked.setdefault(row.scope.api, []).append(row.scope.name)
    notices.note_request_to_owners(registration, asked, now=now)
    for owner in ApiOwner.objects.acting().filter(api__in=asked).select_related("api", "user").order_by("pk"):
        if not registration.is_by(owner.user):
            facts = {"api": owner.api.identifier, "api_name": owner.api.name, "scopes": asked[owner.api]}
            kind = Mail.Kind.REQUEST_FOR_OWNER
            outbox.queue_for(user=owner.user, kind=kind, registration=registration, facts=facts, now=now)


def tell_requester(
    *, registration: Registration, kind: Mail.Kind, now: datetime, message: str = "", **facts: Any
) -> None:
    """Mail the requester; for a change whose requester is no contact any more, the owners."""
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
