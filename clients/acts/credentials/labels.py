"""Labels: what the owners of a key, secret, trust or address of keys call it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.mail.notifications import tell_contacts
from clients.models import Client, JwksUri, Key, Secret, Trust


@transaction.atomic
def change(*, credential: Key | Secret | Trust | JwksUri, label: str, by: Actor, now: datetime) -> bool:
    """Change the label; "" for none. Returns whether it is another one."""
    client = Client.objects.locked(credential.client_id)
    credential.refresh_from_db(fields=["label"])
    before = credential.label
    if label == before:
        return False
    credential.label = label
    credential.save(update_fields=["label"])
    log.record(
        action=Action.CREDENTIAL_LABELLED, actor=by, subject=credential,
        changes={"label": (before or None, label or None)},
    )  # fmt: skip
    tell_contacts(
        client=client, action=Action.CREDENTIAL_LABELLED, subject=credential.audit_label, by=by, now=now, detail=label
    )
    return True
