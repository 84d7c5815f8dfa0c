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
    """What a leaked value is: a client secret or an access token."""

    subject: Secret | Token

    @property
    def client(self) -> Client:
        return self.subject.client

    @property
    def secret(self) -> Secret | None:
        return self.subject if isinstance(self.subject, Secret) else None

    @property
    def token(self) -> Token | None:
        return self.subject if isinstance(self.subject, Token) else None

    @property
    def reference(self) -> str:
        """Names it on a page; a digest of 256 random bits is no secret."""
        return f"secret:{self.secret.uid}" if self.secret else f"token:{bytes(self.subject.pk).hex()}"

    def works(self, now: datetime) -> bool:
        if isinstance(self.subject, Token):
            return Token.objects.live(now).filter(pk=self.subject.pk).exists()
        usable = self.subject.state(now) != Secret.State.ENDED
        return usable and self.client.is_active and self.client.secret_allowed


@transaction.atomic
def look_up(*, value: str, by: Actor, now: datetime) -> Leak | None:
    """Whose secret or token this is, also when it stopped working long ago. Logged, without the value."""
    found = _find(secretformat.digest(value))
    log.record(action=Action.INCIDENT_LOOKED_UP, actor=by, subject=found.subject if found else NOBODY)
    return found


def _find(digest: bytes) -> Leak | None:
    secret = Secret.objects.select_related("client").filter(digest=digest).first()
    return Leak(secret) if secret else _token(digest)


def _token(digest: bytes) -> Leak | None:
    token = Token.objects.select_related("client").filter(digest=digest).first()
    return Leak(token) if token else None


def by_reference(text: str) -> Leak | None:
    """The leak that a page named by its `reference`."""
    kind, _colon, rest = text.partition(":")
    try:
        if kind == "secret":
            secret = Secret.objects.select_related("client").filter(uid=UUID(rest)).first()
            return Leak(secret) if secret else None
        return _token(bytes.fromhex(rest))
    except ValueError:
        return None


@transaction.atomic
def revoke(*, leak: Leak, by: Actor, now: datetime, reason: str = "", message: str = "") -> None:
    """Ends a token; or a secret and, since whoever has it may have used it, every token of the client.

    The secret goes even when nothing else signs the client in: its contacts get a mail and can make a new one. A
    secret's tokens go by the client's epoch: one that is being issued at this very moment with the secret dies too.
    Raises UnableToRevoke.
    """
    client = Client.objects.locked(leak.client.pk)
    if isinstance(leak.subject, Token):
        if not Token.objects.filter(pk=leak.subject.pk, revoked_at=None).update(revoked_at=now):
            raise UnableToRevoke(_("This token was revoked already."))
        changes: dict[str, tuple[object, object]] = {"tokens": (None, _REVOKED)}
    else:
        changes = _end_secret(client, leak.subject, now)
    what = "secret" if leak.secret else "token"
    tell_contacts(
        client=client,
        action=Action.INCIDENT_REVOKED,
        subject=leak.subject.audit_label,
        by=by,
        now=now,
        what=what,
        message=message,
    )
    log.record(action=Action.INCIDENT_REVOKED, actor=by, subject=leak.subject, changes=changes, note=by.because(reason))


def _end_secret(client: Client, secret: Secret, now: datetime) -> dict[str, tuple[object, object]]:
    issued = Token.objects.of(client).live(now).issued_to(secret.credential)
    if not client.secrets.usable(now).filter(pk=secret.pk).update(ends_at=now) and not issued.exists():
        raise UnableToRevoke(_("This secret had stopped working already, and its tokens too."))
    Client.objects.filter(pk=client.pk).update(epoch=F("epoch") + 1)
    transaction.on_commit(lambda: wake_cleaner(client.pk))
    return {"ends_at": (secret.ends_at, now), "tokens": (None, _REVOKED)}
