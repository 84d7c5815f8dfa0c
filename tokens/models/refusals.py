"""Tables of refused HTTP requests: the refusal journal, those without a client, and counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import Q, Sum

from clients.models import Client
from tokens.models.tokens import to_client

# An index leads to the newest entries of a client; those of one cause are the first few that fit.
NEWEST = """
SELECT entry.*
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    AS cause(client_id, rule, error, first_at, last_at)
CROSS JOIN LATERAL (
    SELECT * FROM tokens_journalentry
    WHERE client_id = cause.client_id AND rule = cause.rule AND error = cause.error
        AND at BETWEEN cause.first_at AND cause.last_at
    ORDER BY at DESC LIMIT %s
) entry
ORDER BY at DESC, id DESC
"""


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

    def newest_of(
        self, causes: Iterable[tuple[int, str, str, datetime, datetime]], *, each: int
    ) -> Iterable[JournalEntry]:
        """Return the newest entries of each cause: client, rule and error, with its first and its last time.

        Of all entries: what this query set was filtered by before does not count, since the query is written out.
        """
        columns = [list(column) for column in zip(*causes, strict=True)]
        return self.raw(NEWEST, [*columns, each]) if columns else []


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
            models.Index(fields=["client", "-at"], include=["rule", "error"], name="journal_of_client_by_cause"),
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
