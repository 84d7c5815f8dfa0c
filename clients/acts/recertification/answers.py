"""The answer of an owner: this client is still needed, and its scopes, contacts, credentials and networks are right."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from audit import log
from audit.actions import Action
from clients import edit_tags
from clients.actors import Actor
from clients.acts import lifecycle
from clients.mail.notifications import tell_contacts
from clients.models import Client, ClientContact, ClientNetwork, Key, Secret, Trust
from clients.refusal_codes import Code
from foundation.refusals import Refusal

Confirmed = dict[str, object]  # field of audit.actions.FIELDS -> value
MAX_NETWORKS = 100  # the newest


def what_is_confirmed(client: Client, now: datetime) -> Confirmed:
    """Return the facts that an answer confirms, as its entry in the change log keeps them."""
    contacts = client.contacts.select_related("user").order_by("-role", "user__email")
    return {
        "scopes": lifecycle.names(client.scopes.all()),
        "contacts": [_contact(row) for row in contacts],
        "credentials": sorted(row.audit_label for row in working_credentials(client, now)),
        "networks": [row.network for row in known_networks(client)],
    }


def working_credentials(client: Client, now: datetime) -> list[Key | Secret | Trust]:
    secrets = client.secrets.usable(now) if client.accepts_secrets else ()
    return [*client.keys.usable(now), *secrets, *client.trusts.usable(now).select_related("issuer")]


def known_networks(client: Client) -> QuerySet[ClientNetwork]:
    """Return the networks that the client was used from, without those that its contacts denied."""
    return client.networks.filter(Q(was_us=None) | Q(was_us=True)).order_by("-first_at")[:MAX_NETWORKS]


def tag_of(confirmed: Confirmed) -> str:
    """Return the edit tag of the facts that a page showed."""
    return edit_tags.edit_tag(confirmed)


@transaction.atomic
def confirm(*, client: Client, seen: str, by: Actor, now: datetime) -> None:
    """Confirm what the owner saw; `seen` is its edit tag. Raises Refusal, and edit_tags.Stale if it changed since."""
    locked = Client.objects.locked(client.pk)
    question = locked.recertifications.open().first()
    if question is None:
        raise Refusal(Code.ANSWERED_ALREADY)
    confirmed = what_is_confirmed(locked, now)
    edit_tags.check(seen, tag_of(confirmed))
    question.confirmed_at, question.confirmed_by = now, by.label
    question.save(update_fields=["confirmed_at", "confirmed_by"])
    changes = {name: (None, fact) for name, fact in confirmed.items()}
    log.record(action=Action.CLIENT_RECERTIFIED, actor=by, subject=client, changes=changes)
    tell_contacts(client=client, action=Action.CLIENT_RECERTIFIED, subject=client.audit_label, by=by, now=now)


def _contact(row: ClientContact) -> str:
    return f"{row.user.audit_label} (owner)" if row.role == ClientContact.Role.OWNER else row.user.audit_label
