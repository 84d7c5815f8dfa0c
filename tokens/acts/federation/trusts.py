"""Removal of trusts, with the tokens that they got: a token dies with the trust that got it (PROTOCOL F-34)."""

from __future__ import annotations

from datetime import datetime, timedelta

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
def remove(*, trust: Trust, by: Actor, now: datetime, overlap: timedelta = timedelta(0)) -> None:
    """End a trust and every token that it got, at once or after the overlap, never later than it would end anyway.

    The client's last way to authenticate stays. Raises Refusal.
    """
    client, at = Client.objects.locked(trust.client_id), now + overlap
    if client.trusts.usable(now).filter(pk=trust.pk).exists() and not others_work(client, trust, at):
        raise Refusal(Code.LAST_TRUST)
    before = trust.ends_at
    if not end(trust=trust, at=at, now=now):
        raise Refusal(Code.TRUST_REMOVED_ALREADY)
    ends = {"ends_at": (before and before.isoformat(), at.isoformat())}
    log.record(action=Action.TRUST_REMOVED, actor=by, subject=trust, changes=ends)
    tell_contacts(
        client=client, action=Action.TRUST_REMOVED, subject=trust.audit_label, by=by, now=now, until=at.isoformat()
    )


def end(*, trust: Trust, now: datetime, at: datetime | None = None) -> int:
    """End a trust, at `at` or now, as part of a larger act, which has locked the client and logs it.

    From then on no introspection says active of its tokens, because the client's snapshot tells its end. The tokens of
    one that ends now are marked, too, for pages and counts. Returns the number of rows that would have lasted longer.
    """
    at = at or now
    ended = Trust.objects.not_ended(at).filter(pk=trust.pk).update(ends_at=at)
    if ended:
        trust.ends_at = at
        if at <= now:
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
