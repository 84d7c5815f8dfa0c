"""Keys that wait for their first use: take over from the key before, or end unused (API M-9).

The authorization server accepts a waiting key like any other, so nothing is decided on the way of an HTTP request.
What it counts there shows that the key was used (tokens/acts/uses/first_uses.py), and only then the key before ends.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts.credentials import keys
from clients.mail.notifications import tell_contacts
from clients.models import Client, Key


@transaction.atomic
def take_over(*, key: Key, used_at: datetime, by: Actor, now: datetime) -> bool:
    """Let a key that was used count as a way in, and end the one before after the overlap. False: it waits no more."""
    client = Client.objects.locked(key.client_id)
    found = client.keys.waiting().filter(pk=key.pk).select_related("takes_over_from").first()
    if found is None:
        return False
    found.first_use_by = None
    found.save(update_fields=["first_use_by"])
    log.record(
        action=Action.KEY_TOOK_OVER, actor=by, subject=found,
        changes={"state": (Key.State.WAITING.value, found.state(now).value)},
    )  # fmt: skip
    facts = _end_the_one_before(found, used_at, by, now)
    tell_contacts(client=client, action=Action.KEY_TOOK_OVER, subject=found.kid, by=by, now=now, **facts)
    return True


def _end_the_one_before(key: Key, used_at: datetime, by: Actor, now: datetime) -> dict[str, str]:
    """Return the facts of the mail; {} if there is none, or it ends already."""
    old = key.takes_over_from
    if old is None or old.retires_at is not None or key.takes_over_after is None:
        return {}
    at = keys.end_under_all_names(old, max(used_at + key.takes_over_after, now), by, now)
    return {"old": old.kid, "until": at.isoformat()}


@transaction.atomic
def drop(*, key: Key, by: Actor, now: datetime) -> bool:
    """End a key that was not used in time. False: it waits no more, or still does."""
    client = Client.objects.locked(key.client_id)
    found = client.keys.waiting().filter(pk=key.pk, first_use_by__lte=now).first()
    if found is None:
        return False
    keys.end_row(found, now, by, Action.KEY_DROPPED)
    tell_contacts(client=client, action=Action.KEY_DROPPED, subject=found.kid, by=by, now=now)
    return True
