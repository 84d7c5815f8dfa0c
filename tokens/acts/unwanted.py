"""End of what a client added by itself when none of its people wanted it: credential or address of keys (API M-12)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts.credentials import keys
from clients.acts.federation import jwks_uris
from clients.mail.notifications import tell_contacts
from clients.models import Client, JwksUri, Key, Secret, Trust
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tokens.acts import invalidation
from tokens.acts.federation import trusts
from tokens.models import Token, TokenQuerySet

Changes = dict[str, tuple[object, object]]


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
    working = _working(client, [credential.credential], now)
    stopped = invalidation.stop(working, now)
    credential.refresh_from_db()
    changes = {"state": (before.value, credential.state(now).value), "tokens": (stopped, 0)}
    _record(credential, client, working, changes | _paused(client, pause), by=by, now=now)


@transaction.atomic
def end_added_address(*, jwks_uri: JwksUri, pause: bool, by: Actor, now: datetime) -> None:
    """End an address of keys like one of them, with all keys that came from there and their tokens."""
    client = Client.objects.locked(jwks_uri.client_id)
    retired = jwks_uris.end(jwks_uri=jwks_uri, by=by, now=now)
    working = _working(client, [key.credential for key in client.keys.filter(jwks_uri=jwks_uri)], now)
    changes = {"kids": (" ".join(retired) or None, None), "tokens": (invalidation.stop(working, now), 0)}
    _record(jwks_uri, client, working, changes | _paused(client, pause), by=by, now=now)


def _working(client: Client, names: list[str], now: datetime) -> TokenQuerySet:
    issued = Token.objects.of(client).filter(credential__in=names)
    return issued.filter(expires_at__gt=now, revoked_at=None, epoch=client.epoch)


def _paused(client: Client, pause: bool) -> Changes:
    return client.pause_self_service() if pause else {}


def _record(
    ended: Key | Secret | Trust | JwksUri, client: Client, working: TokenQuerySet, changes: Changes, *,
    by: Actor, now: datetime,
) -> None:  # fmt: skip
    log.record(action=Action.ADDED_CREDENTIAL_ENDED, actor=by, subject=ended, changes=changes)
    tell_contacts(client=client, action=Action.ADDED_CREDENTIAL_ENDED, subject=ended.audit_label, by=by, now=now)
    transaction.on_commit(lambda: invalidation.stop(working, now))  # of an HTTP request that was under way
