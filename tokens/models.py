"""Tables of the authorization server: tokens, used assertions, refusal journal, and counts.

None of these tables has a foreign key in the database: the statement that inserts has joined the client already, and a
key check per row would take a lock on the client for every token. A client's row is never deleted, so no row dangles.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import Count, Exists, F, Q, Sum

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


class JournalEntryQuerySet(models.QuerySet["JournalEntry"]):
    """Entries of the refusal journal, newest first."""

    def of(self, *clients: Client) -> JournalEntryQuerySet:
        return self.filter(client__in=clients).order_by("-at", "-id")

    def since(self, moment: datetime) -> JournalEntryQuerySet:
        return self.filter(at__gt=moment)

    def refusals(self) -> JournalEntryQuerySet:
        return self.exclude(error="")

    def remarks(self) -> JournalEntryQuerySet:
        """Return remarks on accepted HTTP requests: an assertion with a long lifetime, a clock that runs ahead."""
        return self.filter(error="")

    def with_request_id(self, request_id: str) -> JournalEntryQuerySet:
        """Return the entries with this number: the X-Request-Id of a proxy, or the one in `error_uri`."""
        return self.filter(Q(request_id=request_id) | Q(why=request_id))


class JournalEntry(models.Model):
    """Reason why a client's HTTP request was refused, for its contacts. The caller got far less (PROTOCOL A-16)."""

    client = to_client("journal")
    at = models.DateTimeField()
    request_id = models.CharField(max_length=64)
    why = models.CharField(max_length=32, blank=True, default="", db_default="")  # the number in `error_uri`
    endpoint = models.CharField(max_length=20)
    status = models.SmallIntegerField(default=0, db_default=0)  # of the answer; 0: of an older version, not known
    error = models.CharField(max_length=40)  # of the answer; empty for a remark
    rule = models.CharField(max_length=40)  # tokens.protocol.errors.Rule
    facts = models.JSONField(default=dict)  # tokens.protocol.errors.Fact by name: data, never anything secret
    address = models.GenericIPAddressField(null=True)

    objects = JournalEntryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["client", "-at"], name="journal_of_client"),
            models.Index(fields=["request_id"], name="journal_by_request_id"),
            models.Index(fields=["why"], name="journal_by_why"), models.Index(fields=["at"], name="journal_by_age"),
            models.Index(fields=["address", "client"], name="journal_by_address"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.rule} ({self.request_id})"


class AnonymousRefusal(models.Model):
    """Refused HTTP request without a known client; kept for a day, for holders of its number (PROTOCOL R-30)."""

    why = models.CharField(primary_key=True, max_length=32)  # 128 random bits as hex
    request_id = models.CharField(max_length=64)
    at = models.DateTimeField()
    endpoint = models.CharField(max_length=20)
    status = models.SmallIntegerField()
    error = models.CharField(max_length=40)
    rule = models.CharField(max_length=40)
    facts = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)  # for the Security team

    class Meta:
        indexes = [models.Index(fields=["at"], name="anonymous_refusal_by_age")]

    def __str__(self) -> str:
        return f"{self.rule} ({self.why})"


class RefusalCountQuerySet(models.QuerySet["RefusalCount"]):
    def of(self, *clients: Client) -> RefusalCountQuerySet:
        return self.filter(client__in=clients)

    def since(self, moment: datetime) -> RefusalCountQuerySet:
        """Return the counts from the hour of `moment` on."""
        return self.filter(hour__gte=moment.replace(minute=0, second=0, microsecond=0))

    def total(self) -> int:
        return int(self.aggregate(total=Sum("refused"))["total"] or 0)


class RefusalCount(models.Model):
    """Number of refused HTTP requests of a client by cause and hour, complete where the refusal journal is not."""

    pk = models.CompositePrimaryKey("client", "hour", "rule", "error")
    client = to_client("refusal_counts")
    hour = models.DateTimeField()
    rule = models.CharField(max_length=40)
    error = models.CharField(max_length=40)
    refused = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = RefusalCountQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["hour"], name="refusal_count_by_age")]

    def __str__(self) -> str:
        return f"{self.hour}: {self.refused} of {self.rule}"


class CredentialUseQuerySet(models.QuerySet["CredentialUse"]):
    def of(self, *clients: Client) -> CredentialUseQuerySet:
        return self.filter(client__in=clients)

    def last_uses(self, credentials: Iterable[str]) -> dict[str, datetime]:
        """Return when each credential was last used; unused ones are left out."""
        return dict(self.filter(credential__in=credentials).values_list("credential", "last_used_at"))


class CredentialUse(models.Model):
    """Last use of a key or secret, which tells its owners whether it is safe to remove."""

    credential = models.TextField(primary_key=True)  # "key:5"
    client = to_client("credential_uses")
    last_used_at = models.DateTimeField()
    uses = models.BigIntegerField()

    objects = CredentialUseQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["client"], name="credential_use_of_client")]

    def __str__(self) -> str:
        return self.credential


class UsageDay(models.Model):
    """Tokens issued to a credential and HTTP requests refused, by day (UTC). Refusals have the credential ""."""

    pk = models.CompositePrimaryKey("client", "day", "credential")
    client = to_client("usage_days")
    day = models.DateField()
    credential = models.TextField(blank=True)
    issued = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.issued} issued, {self.refused} refused"


class UsageDetailQuerySet(models.QuerySet["UsageDetail"]):
    def of_active_clients(self, since: datetime) -> UsageDetailQuerySet:
        """Return the rows with accepted HTTP requests of active clients, from the day of `since` on."""
        return self.filter(day__gte=since.date(), uses__gt=0, client__status=Client.Status.ACTIVE)


class UsageDetail(models.Model):
    """HTTP requests of a client by day (UTC), and by credential, network and traits (tokens/protocol/traits.py)."""

    pk = models.CompositePrimaryKey(
        "client", "day", "credential", "network",
        "audience", "kid", "algorithm", "key_bits", "lifetime", "token_in_query",
    )  # fmt: skip
    client = to_client("usage_details")
    day = models.DateField()
    credential = models.TextField(blank=True)  # "" for a token in the query, and for whoever did not authenticate
    network = models.CharField(max_length=50, blank=True)  # an IPv4 address or a /64; "" if unknown
    audience = models.CharField(max_length=10, blank=True)
    kid = models.CharField(max_length=10, blank=True)
    algorithm = models.CharField(max_length=10, blank=True)
    key_bits = models.IntegerField()
    lifetime = models.IntegerField()  # seconds, an upper bound
    token_in_query = models.BooleanField()
    uses = models.BigIntegerField()  # accepted HTTP requests
    issued = models.BigIntegerField()
    refused = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = UsageDetailQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["day"], name="usage_detail_by_age"),
            models.Index(fields=["network", "client"], name="usage_detail_by_network"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.credential} from {self.network}"


class IssuerKeyRequest(models.Model):
    """Wish for an issuer's keys after a JWT with an unknown `kid`; the worker fetches them (PROTOCOL F-35)."""

    issuer = models.OneToOneField(
        Issuer, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="key_request"
    )
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issuer_id}: {self.asked_at}"
