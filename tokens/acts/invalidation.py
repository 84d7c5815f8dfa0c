"""Acts that invalidate tokens. After their commit no introspection answers active (PROTOCOL I-23)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from audit import log as change_log
from audit.actions import Action
from clients.actors import Actor
from clients.mail.notifications import tell_contacts
from clients.models import Client, Key, Secret, Trust
from foundation.dispatch import wake
from foundation.refusals import Refusal
from tokens.acts.refusal_codes import TokenCode
from tokens.models import Token, TokenQuerySet

Evidence = dict[str, tuple[object, object]]


@transaction.atomic
def invalidate_all(
    *, client: Client, by: Actor, now: datetime, reason: str = "", message: str = "", evidence: Evidence | None = None
) -> None:
    """Invalidate every token of the client, by one increment of its token generation; rows are marked later.

    `evidence`: what the entry keeps about an incident.
    """
    Client.objects.filter(pk=client.pk).update(epoch=F("epoch") + 1)
    action, note = Action.CLIENT_TOKENS_INVALIDATED, by.because(reason)
    changes = {**(evidence or {}), "message": (None, message or None)}
    change_log.record(action=action, actor=by, subject=client, changes=changes, note=note)
    tell_contacts(
        client=client, action=Action.CLIENT_TOKENS_INVALIDATED, subject=client.audit_label, by=by, now=now,
        message=message,
    )  # fmt: skip
    wake_cleaner(client.pk)


@transaction.atomic
def invalidate_issued_to(*, credential: Key | Secret | Trust, by: Actor, now: datetime) -> None:
    """Invalidate the tokens of one key, secret or trust; the credential itself and the client's other tokens go on.

    Raises Refusal if there are none. Repeated after the commit, for a token that was being issued at this
    moment. `issued_at` is not compared, because the clock of another machine may be ahead.
    """
    client, issued = credential.client, Token.objects.of(credential.client).issued_to(credential.credential)
    working = issued.filter(expires_at__gt=now, revoked_at=None, epoch=client.epoch)
    stopped = stop(working, now)
    if not stopped:
        raise Refusal(TokenCode.NO_VALID_TOKENS)
    action = Action.CREDENTIAL_TOKENS_INVALIDATED
    change_log.record(action=action, actor=by, subject=credential, changes={"tokens": (stopped, 0)})
    tell_contacts(client=client, action=action, subject=credential.audit_label, by=by, now=now)
    transaction.on_commit(lambda: stop(working, now))


@transaction.atomic
def stop(working: TokenQuerySet, now: datetime) -> int:
    """Revoke tokens, as part of an act; return their number.

    Locks them in the order of sql.REVOKE, or the two could deadlock.
    """
    in_order = working.order_by("digest").select_for_update()
    return Token.objects.filter(pk__in=in_order.values("pk")).update(revoked_at=now)


def wake_cleaner(client_pk: int) -> None:
    """Have a worker mark the rows. If the broker is down nothing is lost: the tokens are invalid, and expire."""
    wake("tokens.tasks.clean_up_after_invalidation", client_pk)


@transaction.atomic
def revoke(*, token: Token, by: Actor, now: datetime) -> None:
    """Revoke one token. Raises Refusal if it had stopped already."""
    if not Token.objects.filter(pk=token.pk, revoked_at=None, expires_at__gt=now).update(revoked_at=now):
        raise Refusal(TokenCode.TOKEN_STOPPED_ALREADY)
    change_log.record(action=Action.TOKEN_REVOKED, actor=by, subject=token)
    tell_contacts(client=token.client, action=Action.TOKEN_REVOKED, subject=token.audit_label, by=by, now=now)
