"""Removal of trusts, with the tokens that they got: a token dies with the trust that got it (PROTOCOL F-34)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts.credentials.ways_in import others_work
from clients.mail.notifications import tell_contacts
from clients.models import Client, Trust
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tokens.acts.invalidation import stop
from tokens.models import Token, TokenQuerySet


@transaction.atomic
def remove(*, trust: Trust, by: Actor, now: datetime) -> None:
    """End a trust at once, and every token that it got. The client's last way to authenticate stays. Raises Refusal."""
    client = Client.objects.locked(trust.client_id)
    if client.trusts.usable(now).filter(pk=trust.pk).exists() and not others_work(client, trust, now):
        raise Refusal(Code.LAST_TRUST)
    if not end(trust=trust, now=now):
        raise Refusal(Code.TRUST_REMOVED_ALREADY)
    log.record(action=Action.TRUST_REMOVED, actor=by, subject=trust, changes={"ends_at": (None, now.isoformat())})
    tell_contacts(client=client, action=Action.TRUST_REMOVED, subject=trust.audit_label, by=by, now=now)


def end(*, trust: Trust, now: datetime) -> int:
    """End a trust and mark its tokens, as part of a larger act, which has locked the client and logs it.

    No introspection says active of them from the commit on, because the trust is gone from the client's snapshot; the
    mark is for pages and counts. Returns the number of rows that had not ended.
    """
    ended = Trust.objects.not_ended(now).filter(pk=trust.pk).update(ends_at=now)
    if ended:
        trust.ends_at = now
        mark_tokens([trust], now)
    return ended


def mark_tokens(trusts: list[Trust], now: datetime) -> None:
    """Mark the tokens of trusts, and after the commit those that were being issued at this moment."""
    issued = Token.objects.filter(client__in={trust.client_id for trust in trusts})
    alive: TokenQuerySet = issued.filter(
        credential__in=[trust.credential for trust in trusts], expires_at__gt=now, revoked_at=None
    )
    stop(alive, now)
    transaction.on_commit(lambda: stop(alive, now))
