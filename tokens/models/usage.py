"""Tables of use: of credentials, by day with networks and traits, and of APIs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import Q

from clients.models import Client, Scope
from tokens.models.tokens import to_client


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


class ApiCalls(models.Model):
    """How often the resource servers of an API found tokens of a client active, by day in UTC (PROTOCOL C-46)."""

    pk = models.CompositePrimaryKey("client", "day", "api")
    client = to_client("api_calls")
    day = models.DateField()
    api = models.CharField(max_length=60)  # its identifier, which never changes
    calls = models.BigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["day"], name="api_calls_by_age")]

    def __str__(self) -> str:
        return f"{self.day}: {self.calls} of {self.api}"


class ScopeUse(models.Model):
    """When a client last got a token with a scope that is deprecated (docs/decisions/0035)."""

    pk = models.CompositePrimaryKey("client", "scope")
    client = to_client("scope_uses")
    scope = models.ForeignKey(
        Scope, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="uses"
    )
    last_issued_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.client_id}: {self.scope_id}"


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
            models.Index(
                fields=["algorithm", "client"], condition=Q(credential__startswith="key:"), name="usage_detail_of_keys"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.credential} from {self.network}"
