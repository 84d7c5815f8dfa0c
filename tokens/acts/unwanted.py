"""End of a key, secret or trust that a client added by itself, when none of its people wanted it (API M-12)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts.credentials import keys
from clients.mail.notifications import tell_contacts
from clients.models import Client, Key, Secret, Trust
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tokens.acts import invalidation
from tokens.acts.federation import trusts
from tokens.models import Token


@transaction.atomic
def end_added(*, credential: Key | Secret | Trust, pause: bool, by: Actor, now: datetime) -> None:
    """End it with its tokens, also if the client is left without a credential; `pause` what it adds by itself.

    Raises Refusal if it had ended already.
    """
    client = Client.objects.locked(credential.client_id)
    before = credential.state(now)
    if isinstance(credential, Key):
        ended = keys.retire_at_once(client=client, key=credential, now=now)
    elif isinstance(credential, Trust):
        ended = trusts.end(trust=credential, now=now)
    else:
        ended = client.secrets.usable(now).filter(pk=credential.pk).update(ends_at=now)
    if not ended:
        raise Refusal(Code.CREDENTIAL_ENDED_ALREADY)
    issued = Token.objects.of(client).issued_to(credential.credential)
    working = issued.filter(expires_at__gt=now, revoked_at=None, epoch=client.epoch)
    stopped = invalidation.stop(working, now)
    credential.refresh_from_db()
    changes = {"state": (before.value, credential.state(now).value), "tokens": (stopped, 0)}
    if pause:
        changes |= client.pause_self_service()
    log.record(action=Action.ADDED_CREDENTIAL_ENDED, actor=by, subject=credential, changes=changes)
    tell_contacts(client=client, action=Action.ADDED_CREDENTIAL_ENDED, subject=credential.audit_label, by=by, now=now)
    transaction.on_commit(lambda: invalidation.stop(working, now))  # of an HTTP request that was under way
