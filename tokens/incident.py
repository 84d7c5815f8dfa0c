"""A leaked secret or token: find out whose it is by its digest, and revoke it in one act. The value is never kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from audit import log
from audit.actions import Action
from clients import secretformat
from clients.actors import Actor
from clients.models import Client, Secret
from clients.notices import tell_contacts
from tokens.invalidation import UnableToRevoke, wake_cleaner
from tokens.models import Token

_REVOKED = "revoked"
NOBODY = log.Whole("nobody", "nobody")


@dataclass(frozen=True)
class Leak:
    """What a leaked value is: a client secret or an access token, of which exactly one is set."""

    client: Client
    secret: Secret | None = None
    token: Token | None = None

    @property
    def subject(self) -> Secret | Token:
        found = self.secret or self.token
        assert found is not None  # noqa: S101  (see the class)
        return found

    @property
    def reference(self) -> str:
        """Names it on a page; a digest of 256 random bits is no secret."""
        return f"secret:{self.secret.uid}" if self.secret else f"token:{bytes(self.subject.pk).hex()}"

    def works(self, now: datetime) -> bool:
        if self.token is not None:
            return Token.objects.live(now).filter(pk=self.token.pk).exists()
        assert self.secret is not None  # noqa: S101
        usable = Secret.objects.usable(now).filter(pk=self.secret.pk).exists()
        return usable and self.client.is_active and self.client.secret_allowed


@transaction.atomic
def look_up(*, value: str, by: Actor, now: datetime) -> Leak | None:
    """Whose secret or token this is, also when it stopped working long ago. Logged, without the value."""
    found = _find(secretformat.digest(value))
    log.record(action=Action.INCIDENT_LOOKED_UP, actor=by, subject=found.subject if found else NOBODY)
    return found


def _find(digest: bytes) -> Leak | None:
    secret = Secret.objects.select_related("client").filter(digest=digest).first()
    if secret:
        return Leak(secret.client, secret=secret)
    token = Token.objects.select_related("client").filter(digest=digest).first()
    return Leak(token.client, token=token) if token else None


def by_reference(text: str) -> Leak | None:
    """The leak that a page named by its `reference`."""
    kind, _colon, rest = text.partition(":")
    try:
        if kind == "secret":
            secret = Secret.objects.select_related("client").filter(uid=UUID(rest)).first()
            return Leak(secret.client, secret=secret) if secret else None
        token = Token.objects.select_related("client").filter(digest=bytes.fromhex(rest)).first()
        return Leak(token.client, token=token) if token else None
    except ValueError:
        return None


@transaction.atomic
def revoke(*, leak: Leak, by: Actor, now: datetime) -> None:
    """Ends a token; or a secret and, since whoever has it may have used it, every token of the client.

    The secret goes even when nothing else signs the client in: its contacts get a mail and can make a new one. A
    secret's tokens go by the client's epoch: one that is being issued at this very moment with the secret dies too.
    Raises UnableToRevoke.
    """
    client = Client.objects.locked(leak.client.pk)
    if leak.token is not None:
        if not Token.objects.filter(pk=leak.token.pk, revoked_at=None).update(revoked_at=now):
            raise UnableToRevoke(_("This token was revoked already."))
        changes: dict[str, tuple[object, object]] = {"tokens": (None, _REVOKED)}
    else:
        changes = _end_secret(client, leak.subject, now)
    tell_contacts(client=client, action=Action.INCIDENT_REVOKED, subject=leak.subject.audit_label, by=by, now=now)
    log.record(action=Action.INCIDENT_REVOKED, actor=by, subject=leak.subject, changes=changes)


def _end_secret(client: Client, secret: Secret | Token, now: datetime) -> dict[str, tuple[object, object]]:
    assert isinstance(secret, Secret)  # noqa: S101
    issued = Token.objects.of(client).live(now).issued_to(secret.credential)
    if not client.secrets.usable(now).filter(pk=secret.pk).update(ends_at=now) and not issued.exists():
        raise UnableToRevoke(_("This secret had stopped working already, and its tokens too."))
    Client.objects.filter(pk=client.pk).update(epoch=F("epoch") + 1)
    transaction.on_commit(lambda: wake_cleaner(client.pk))
    return {"ends_at": (secret.ends_at, now), "tokens": (None, _REVOKED)}
