"""Whether a client may add credentials by itself: paused and turned on again by its contacts (API M-12)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.mail.notifications import tell_contacts
from clients.models import Client
from clients.refusal_codes import Code
from foundation.refusals import Refusal


@transaction.atomic
def turn(*, client: Client, on: bool, by: Actor, now: datetime) -> None:
    """Let the client add credentials by itself again, or pause that. What the Security team turned off stays off."""
    Client.objects.locked(client.pk)
    states = Client.SelfService
    before, after = (states.PAUSED, states.ON) if on else (states.ON, states.PAUSED)
    if not Client.objects.filter(pk=client.pk, self_service=before).update(self_service=after):
        raise Refusal(Code.SELF_SERVICE_UNCHANGED)
    action = Action.SELF_SERVICE_ON if on else Action.SELF_SERVICE_PAUSED
    log.record(action=action, actor=by, subject=client, changes={"self_service": (before.value, after.value)})
    tell_contacts(client=client, action=action, subject=client.audit_label, by=by, now=now)
    client.self_service = after
