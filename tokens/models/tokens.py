"""Tables of tokens and of what was used once: assertions, wishes for keys."""

from __future__ import annotations

import base64
from datetime import datetime

from django.db import models
from django.db.models import Count, Exists, F, Q

from clients.models import Client, Issuer, Trust


def to_client(related_name: str) -> models.ForeignKey[Client, Client]:
    """Return a reference to a client without a constraint or an index in the database."""
    return models.ForeignKey(
        Client, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name=related_name
    )


class TokenQuerySet(models.QuerySet["Token"]):
    def of(self, client: Client) -> TokenQuerySet:
        return self.filter(client=client).order_by("-issued_at")

    def live(self, now: datetime) -> TokenQuerySet:
        """Return the tokens that introspection may call active; the client's snapshot decides about their scopes."""
        return self.filter(
            ~Q(credential__startswith="trust:") | Exists(Trust.objects.behind_a_token(now)),
            expires_at__gt=now, revoked_at=None, client__status=Client.Status.ACTIVE, epoch=F("client__epoch"),
        )  # fmt: skip

    def issued_to(self, credential: str) -> TokenQuerySet:
        """Return the tokens of a credential, named as by Key.credential or Secret.credential."""
        return self.filter(credential=credential)

    def counted(self) -> dict[str, int]:
        """Return the number of tokens by credential."""
        return dict(self.order_by().values_list("credential").annotate(Count("pk")))


class Token(models.Model):
    """Access token; only its SHA-256 is stored (PROTOCOL T-18)."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    client = to_client("tokens")
    epoch = models.BigIntegerField()  # token generation of the client at issue; invalidated if the client's is another
    scope = models.TextField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    credential = models.TextField()  # with which the client authenticated: "key:5" or "secret:3"
    address = models.GenericIPAddressField(null=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["client", "-issued_at"], name="token_of_client"),
            models.Index(fields=["expires_at"], name="token_expiry"),
        ]

    def __str__(self) -> str:
        return self.jti

    @property
    def jti(self) -> str:
        """Return the token's id for introspection answers and pages; the digest of 256 random bits is no secret."""
        return base64.urlsafe_b64encode(bytes(self.digest)).rstrip(b"=").decode()

    @property
    def audit_id(self) -> str:
        return f"token:{self.jti}"

    @property
    def ending(self) -> str:
        """Return the short id in lists, history and mails; 36 bits tell a client's tokens apart."""
        return self.jti[-6:]

    @property
    def audit_label(self) -> str:
        return f"…{self.ending} ({self.scope})"

    @property
    def audit_client(self) -> str:
        return str(self.client.uid)


class UsedAssertion(models.Model):
    """Used client assertion, kept until it expires (PROTOCOL A-14)."""

    pk = models.CompositePrimaryKey("client", "jti_digest")
    client = to_client("+")
    jti_digest = models.BinaryField(max_length=32)  # SHA-256: a `jti` may be long
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="used_assertion_expiry")]

    def __str__(self) -> str:
        return bytes(self.jti_digest).hex()


class IssuerKeyRequest(models.Model):
    """Wish for an issuer's keys after a JWT with an unknown `kid`; the worker fetches them (PROTOCOL F-35)."""

    issuer = models.OneToOneField(
        Issuer, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="key_request"
    )
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issuer_id}: {self.asked_at}"
