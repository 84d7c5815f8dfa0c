"""Waiting keys that were used: found in what is written behind anyway, so that no HTTP request pays for it (API M-9).

A key counts as used once it has authenticated its client, whatever became of that HTTP request. It is seen within
seconds; whoever finds it first does the act, and the others find that it is done.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min

from clients.actors import KEYDESK_ITSELF, Actor
from clients.acts.credentials import first_use
from clients.models import Client, Key
from tokens.models import Token, UsageDetail

BY = Actor(system=KEYDESK_ITSELF)


def settle(*, now: datetime, client: Client | None = None) -> int:
    """Let waiting keys that were used take over, and drop those that were not used in time. Returns their number."""
    waiting = client.keys.waiting() if client else Key.objects.waiting()
    settled = 0
    for key in waiting:
        if used_at := _first_use(key):
            settled += first_use.take_over(key=key, used_at=used_at, by=BY, now=now)
        elif key.first_use_by and key.first_use_by <= now:
            settled += first_use.drop(key=key, by=BY, now=now)
    return settled


def _first_use(key: Key) -> datetime | None:
    """Return when the key first authenticated its client. A token may be there before the counts are written."""
    day = key.added_at.date()
    counted = UsageDetail.objects.filter(client=key.client_id, day__gte=day, credential=key.credential)
    issued = Token.objects.filter(client=key.client_id, issued_at__gte=key.added_at, credential=key.credential)
    moments = [counted.aggregate(at=Min("first_at"))["at"], issued.aggregate(at=Min("issued_at"))["at"]]
    return min((moment for moment in moments if moment), default=None)
