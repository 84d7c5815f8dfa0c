"""Self-service of a client by API, as its contacts choose: all, no additions, or nothing (API M-3, M-12)."""

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

_ACTIONS = {
    Client.SelfService.ON: Action.SELF_SERVICE_ON,
    Client.SelfService.PAUSED: Action.SELF_SERVICE_PAUSED,
    Client.SelfService.OFF_BY_CONTACT: Action.SELF_SERVICE_OFF,
}
CHOICES = tuple(_ACTIONS)  # of a contact


@transaction.atomic
def turn(*, client: Client, to: Client.SelfService, by: Actor, now: datetime) -> None:
    """Change self-service to one of CHOICES. What the Security team turned off stays off."""
    before = Client.SelfService(Client.objects.locked(client.pk).self_service)
    if before in (to, Client.SelfService.OFF):
        raise Refusal(Code.SELF_SERVICE_UNCHANGED)
    Client.objects.filter(pk=client.pk).update(self_service=to)
    log.record(action=_ACTIONS[to], actor=by, subject=client, changes={"self_service": (before.value, to.value)})
    tell_contacts(client=client, action=_ACTIONS[to], subject=client.audit_label, by=by, now=now)
    client.self_service = to
