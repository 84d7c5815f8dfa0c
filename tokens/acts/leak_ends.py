"""The end of a leaked credential and of the tokens that it got: a part of acts, which lock the client and log it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from clients.acts.credentials import keys
from clients.models import Client, Key, Notice, Secret, Trust
from clients.team import notices
from foundation.refusals import Refusal
from tokens.acts.federation import trusts
from tokens.acts.invalidation import wake_cleaner
from tokens.acts.leaks import Leak
from tokens.acts.refusal_codes import TokenCode
from tokens.models import Token

REVOKED = "revoked"

Changes = dict[str, tuple[object, object]]


def end(*, leak: Leak, client: Client, now: datetime, secret_ends_at: datetime | None = None) -> Changes:
    """End the credential, or the token; return the changes for the entry.

    With a key, secret or trust end all tokens of the client, and owners of APIs are told. `secret_ends_at`: a later end
    of a secret (LEAKED_SECRET_GRACE). Raises Refusal for what had ended already, and for a client id.
    """
    if isinstance(leak.subject, Token):
        return _end_token(leak.subject, now)
    changes = _end_credential(leak, client, now, secret_ends_at or now)
    notices.note_caller(Notice.Kind.CALLER_LEAK_REVOKED, client, about={"credential": leak.kind}, now=now)
    return changes


def _end_credential(leak: Leak, client: Client, now: datetime, secret_ends_at: datetime) -> Changes:
    if isinstance(leak.subject, Key):
        return _end_key(client, leak.subject, now)
    if isinstance(leak.subject, Secret):
        return _end_secret(client, leak.subject, now, secret_ends_at)
    if isinstance(leak.subject, Trust):
        return _end_trust(client, leak.subject, now)
    raise Refusal(TokenCode.CLIENT_ID_LEAKED)


def _end_token(token: Token, now: datetime) -> Changes:
    if not Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        raise Refusal(TokenCode.LEAKED_TOKEN_REVOKED_ALREADY)
    return {"tokens": (None, REVOKED)}


def _end_key(client: Client, key: Key, now: datetime) -> Changes:
    issued = Leak(key).tokens().live(now).exists()
    if not keys.retire_at_once(client=client, key=key, now=now) and not issued:
        raise Refusal(TokenCode.LEAKED_KEY_STOPPED_ALREADY)
    client.keys.filter(thumbprint=key.thumbprint).update(leaked_at=now)
    _end_all_tokens(client)
    return {"retires_at": (key.retires_at, now), "tokens": (None, REVOKED)}


def _end_secret(client: Client, secret: Secret, now: datetime, at: datetime) -> Changes:
    issued = Leak(secret).tokens().live(now).exists()
    ends_at = min(at, secret.ends_at or at)
    if not client.secrets.usable(now).filter(pk=secret.pk).update(ends_at=ends_at, leaked_at=now) and not issued:
        raise Refusal(TokenCode.LEAKED_SECRET_STOPPED_ALREADY)
    _end_all_tokens(client)
    return {"ends_at": (secret.ends_at, ends_at), "tokens": (None, REVOKED)}


def _end_trust(client: Client, trust: Trust, now: datetime) -> Changes:
    before = trust.ends_at
    if not trusts.end(trust=trust, now=now):
        raise Refusal(TokenCode.LEAKED_TRUST_STOPPED_ALREADY)
    _end_all_tokens(client)
    return {"ends_at": (before, now), "tokens": (None, REVOKED)}


def _end_all_tokens(client: Client) -> None:
    Client.objects.filter(pk=client.pk).update(epoch=F("epoch") + 1)
    transaction.on_commit(lambda: wake_cleaner(client.pk))
