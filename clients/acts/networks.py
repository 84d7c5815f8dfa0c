"""New networks of a client: ask its contacts, keep their answer, and mail those who want that (PROTOCOL C-43)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.mail import outbox
from clients.mail.notifications import tell_contacts
from clients.models import Client, ClientContact, ClientNetwork, Mail, Notice
from clients.refusal_codes import Code
from clients.team import notices
from foundation.refusals import Refusal


def note(rows: Iterable[ClientNetwork], *, now: datetime) -> int:
    """Keep networks that were found; mail those who want that about the new ones. Returns the number of new rows.

    Whoever else found them at the same time has mailed already: only the one who inserts a row mails.
    """
    return sum(_note(row, now) for row in rows)


@transaction.atomic
def _note(row: ClientNetwork, now: datetime) -> bool:
    kept, is_first = ClientNetwork.objects.get_or_create(
        client_id=row.client_id, network=row.network,
        defaults={"credential": row.credential, "first_at": row.first_at, "is_new": row.is_new},
    )  # fmt: skip
    if is_first and row.is_new:
        facts = {"network": row.network, "uid": str(kept.uid), "at": row.first_at.isoformat()}
        wanted = kept.client.contacts.filter(mail_new_networks=True, user__is_active=True).select_related("user")
        for contact in wanted:
            outbox.queue(
                kind=Mail.Kind.NEW_NETWORK, to=contact.user.email, language=contact.user.language, user=contact.user,
                client=kept.client, facts=facts, now=now,
            )  # fmt: skip
    return is_first


@transaction.atomic
def answer(*, network: ClientNetwork, was_us: bool, by: Actor, now: datetime) -> None:
    """Keep whether the use was the client's own people's. Raises Refusal for an answer that was given already."""
    client = Client.objects.locked(network.client_id)
    other = Q(was_us=None) | Q(was_us=not was_us)
    values = {"was_us": was_us, "answered_at": now, "answered_by": by.label}
    if not ClientNetwork.objects.filter(other, pk=network.pk).update(**values):
        raise Refusal(Code.ANSWERED_ALREADY)
    action = Action.NETWORK_CONFIRMED if was_us else Action.NETWORK_DENIED
    log.record(action=action, actor=by, subject=client, changes={"network": (None, network.network)})
    tell_contacts(client=client, action=action, subject=client.audit_label, by=by, now=now, detail=network.network)
    if not was_us:
        notices.note_client(Notice.Kind.NETWORK_DENIED, client, now=now)
    network.refresh_from_db()


@transaction.atomic
def set_mails(*, contact: ClientContact, wanted: bool, by: Actor) -> bool:
    """Turn a contact's own mails about new networks on or off. Returns whether that is a change."""
    client = Client.objects.locked(contact.client_id)
    if not client.contacts.filter(pk=contact.pk, mail_new_networks=not wanted).update(mail_new_networks=wanted):
        return False
    log.record(
        action=Action.NETWORK_MAILS_CHANGED, actor=by, subject=client,
        changes={"mail_new_networks": (not wanted, wanted)},
    )  # fmt: skip
    return True
