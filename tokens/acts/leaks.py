"""A leaked credential: what it is, whose, whether it works, and the addresses that used it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from clients.models import Client, Key, Secret, Trust
from tokens.models import Token, TokenQuerySet
from tokens.protocol.jws import Jws

MAX_ADDRESSES = 50


@dataclass(frozen=True)
class Traces:
    """Pasted value, as far as a look-up needs it. At most one is not empty."""

    digest: bytes = b""  # of a secret or token
    thumbprint: str = ""  # RFC 7638, of a key
    assertion: Jws | None = None
    name: str = ""  # a key id, a thumbprint of a certificate, the end of a secret, or a client id: nothing secret

    @property
    def what(self) -> str:
        """Return the kind of the pasted value, for the change log."""
        kinds = {"value": self.digest, "key": self.thumbprint, "assertion": self.assertion, "name": self.name}
        return next((kind for kind, found in kinds.items() if found), "unknown")


@dataclass(frozen=True)
class Leak:
    """Object of a pasted value: a credential, a token, or a client of which no credential is named."""

    subject: Secret | Key | Trust | Token | Client
    is_signed: bool | None = None  # of an assertion: a key of the client made its signature

    @property
    def client(self) -> Client:
        return self.subject if isinstance(self.subject, Client) else self.subject.client

    @property
    def secret(self) -> Secret | None:
        return self.subject if isinstance(self.subject, Secret) else None

    @property
    def key(self) -> Key | None:
        return self.subject if isinstance(self.subject, Key) else None

    @property
    def trust(self) -> Trust | None:
        return self.subject if isinstance(self.subject, Trust) else None

    @property
    def token(self) -> Token | None:
        return self.subject if isinstance(self.subject, Token) else None

    @property
    def reference(self) -> str:
        """Return an id for pages; the digest of 256 random bits is no secret."""
        if isinstance(self.subject, Token):
            return f"token:{bytes(self.subject.pk).hex()}"
        return f"{self.kind}:{self.subject.uid}"

    @property
    def kind(self) -> str:
        return type(self.subject).__name__.lower()

    def works(self, now: datetime) -> bool:
        """Return whether the credential works at this moment. A client id by itself does not."""
        subject = self.subject
        if isinstance(subject, Token):
            return Token.objects.live(now).filter(pk=subject.pk).exists()
        if isinstance(subject, Key):
            return self.client.is_active and Key.objects.usable(now).filter(pk=subject.pk).exists()
        if isinstance(subject, Secret):
            return subject.works(now) and self.client.is_active and self.client.accepts_secrets
        if isinstance(subject, Trust):
            return subject.works(now) and self.client.is_active
        return False

    def can_be_revoked(self, now: datetime) -> bool:
        """Return whether the credential or one of its tokens is still valid."""
        subject = self.subject
        if isinstance(subject, Token):
            return subject.revoked_at is None and subject.expires_at > now
        if isinstance(subject, Client):
            return False
        end = subject.retires_at if isinstance(subject, Key) else subject.ends_at  # an aged one may get another end
        return end is None or end > now or self.tokens().live(now).exists()

    def is_only_way(self, now: datetime) -> bool:
        """Return whether the client has no other key, trust or secret that works."""
        other_keys, secrets = self.client.keys.usable(now), self.client.secrets.usable(now)
        trusts = self.client.trusts.usable(now)
        if isinstance(self.subject, Key):
            other_keys = other_keys.exclude(thumbprint=self.subject.thumbprint)
        elif isinstance(self.subject, Secret):
            secrets = secrets.exclude(pk=self.subject.pk)
        elif isinstance(self.subject, Trust):
            trusts = trusts.exclude(pk=self.subject.pk)
        else:
            return False
        has_secret = self.client.accepts_secrets and secrets.exists()
        return not (other_keys.exists() or trusts.exists() or has_secret)

    def tokens(self) -> TokenQuerySet:
        """Return the kept tokens of the leaked credential; for a token, those of the credential it was issued to."""
        tokens = Token.objects.of(self.client)
        if isinstance(self.subject, Client):
            return tokens
        return tokens.issued_to(self.subject.credential)


@dataclass(frozen=True)
class AddressUse:
    """Network address that got tokens; known while the tokens are kept, until they expire."""

    address: str
    first: datetime
    last: datetime
    count: int

    def __str__(self) -> str:
        return f"{self.address} ({self.count}, {self.first:%Y-%m-%dT%H:%M:%SZ} to {self.last:%Y-%m-%dT%H:%M:%SZ})"


def addresses(leak: Leak) -> list[AddressUse]:
    """Return the addresses that got tokens with the leaked credential, most tokens first."""
    rows = leak.tokens().order_by().values("address").annotate(
        first=Min("issued_at"), last=Max("issued_at"), count=Count("pk")
    )  # fmt: skip
    in_order = sorted(rows, key=lambda row: (-row["count"], str(row["address"])))[:MAX_ADDRESSES]
    return [AddressUse(row["address"] or "-", row["first"], row["last"], row["count"]) for row in in_order]
