"""Use of deprecated scopes: which holders still get tokens with them (docs/decisions/0035)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, OuterRef, QuerySet, Subquery

from audit.actions import Action
from audit.models import Entry
from clients.models import Client, Scope
from tokens.models import ScopeUse

LATELY = timedelta(days=7)  # a holder without a use for so long has moved on
NOTED_AFTER_RETIREMENT = timedelta(days=2)  # longer than the longest token lives

# Each token is read once: when it has expired, before it is deleted. So a token request costs nothing.
NOTE = """
INSERT INTO tokens_scopeuse (client_id, scope_id, last_issued_at)
SELECT token.client_id, scope.id, max(token.issued_at)
FROM clients_scope scope
JOIN tokens_token token ON scope.name = ANY(string_to_array(token.scope, ' '))
WHERE scope.id = ANY(%(scopes)s) AND token.expires_at < %(now)s
GROUP BY token.client_id, scope.id
ON CONFLICT (client_id, scope_id) DO UPDATE
SET last_issued_at = greatest(tokens_scopeuse.last_issued_at, excluded.last_issued_at)
"""


def note(*, now: datetime) -> None:
    """Keep when the clients of tokens that have expired last got one with a deprecated scope."""
    deprecated = Scope.objects.exclude(deprecated_at=None)
    ended = deprecated.filter(retired_at__lte=now - NOTED_AFTER_RETIREMENT)
    if scopes := list(deprecated.exclude(pk__in=ended.values("pk")).values_list("pk", flat=True)):
        with connection.cursor() as cursor:
            cursor.execute(NOTE, {"scopes": scopes, "now": now})


@dataclass(frozen=True)
class Progress:
    """Clients that held the scope when it was deprecated or since, that hold it now, and that used it lately.

    `done`: those that gave it up, or have not used it for LATELY since the deprecation.
    """

    total: int
    holders: int
    users: int
    done: int


def progress(scope: Scope, now: datetime, *, holders: int) -> Progress:
    """Return how far the clients have moved on; `holders`: the number of those that hold the scope now."""
    lately = now - LATELY
    users = ScopeUse.objects.filter(scope=scope, last_issued_at__gt=lately, client__in=scope.holders).count()
    entry = Entry.objects.about(scope.audit_id).with_action(Action.SCOPE_DEPRECATED).first()
    then = {name: after for name, _before, after in entry.differences}.get("clients") if entry else None
    total = max(holders, int(str(then or 0)))
    is_known = scope.deprecated_at is not None and scope.deprecated_at <= lately
    return Progress(total=total, holders=holders, users=users, done=total - (users if is_known else holders))


def with_last_use(scope: Scope) -> QuerySet[Client]:
    """Return the holders with `last_used_at`, the latest use first."""
    use = ScopeUse.objects.filter(client=OuterRef("pk"), scope=scope).values("last_issued_at")
    holders: QuerySet[Client] = scope.holders.annotate(last_used_at=Subquery(use))
    return holders.order_by(F("last_used_at").desc(nulls_last=True), "organisation", "name", "pk")
