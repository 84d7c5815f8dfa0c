"""What the worker does for the authorization server: cleaning up, in batches that hold nobody up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from celery import shared_task
from django.db import connection
from django.utils import timezone

from clients.models import Client

BATCH = 5_000  # rows per transaction
REPLAY_MARGIN = timedelta(minutes=2)  # a spent assertion is kept longer than any server's clock may be behind
JOURNAL_KEPT = timedelta(days=30)
JOURNAL_ENTRIES_KEPT = 200  # of one client for one reason
JOURNAL_REPEATS_KEPT = 100  # of those from one address
USAGE_KEPT = timedelta(days=400)

# `column` is walked upwards and never back: what was dealt with before is not read again.
DELETE = """
WITH batch AS (
    SELECT {key} FROM {table} WHERE {column} >= %s AND {column} < %s
    ORDER BY {column} LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM batch) RETURNING {column}
)
SELECT count(*), max({column}) FROM gone
"""

MARK_DEAD = """
WITH batch AS (
    SELECT digest FROM tokens_token
    WHERE client_id = %s AND epoch < %s AND revoked_at IS NULL AND issued_at <= %s
    ORDER BY issued_at DESC LIMIT %s FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE tokens_token SET revoked_at = now() WHERE digest IN (SELECT digest FROM batch) RETURNING issued_at
)
SELECT count(*), min(issued_at) FROM marked
"""

TRIM_JOURNAL = """
DELETE FROM tokens_journalentry WHERE id IN (
    SELECT id FROM (
        SELECT id,
               row_number() OVER (PARTITION BY client_id, rule ORDER BY at DESC, id DESC) AS nth_of_cause,
               row_number() OVER (PARTITION BY client_id, rule, address ORDER BY at DESC, id DESC) AS nth_alike
        FROM tokens_journalentry
    ) numbered
    WHERE nth_of_cause > %s OR nth_alike > %s
)
"""


@shared_task
def clean_up_after_invalidation(client_pk: int) -> None:
    """Marks the dead tokens of an earlier epoch as revoked, so that pages need no more than the row to know it."""
    epoch = Client.objects.values_list("epoch", flat=True).get(pk=client_pk)
    touched, oldest = BATCH, timezone.now()
    while touched == BATCH:
        touched, oldest = _counted(MARK_DEAD, client_pk, epoch, oldest, BATCH)


@shared_task
def purge_expired() -> None:
    """Removes what nobody can ask about any more, and what a flood of refusals left in the journal."""
    now = timezone.now()
    _delete_older("tokens_token", "digest", "expires_at", now)
    _delete_older("tokens_usedassertion", "client_id, jti_digest", "expires_at", now - REPLAY_MARGIN)
    _delete_older("tokens_journalentry", "id", "at", now - JOURNAL_KEPT)
    _delete_older("tokens_usageday", "client_id, day, credential", "day", now - USAGE_KEPT)
    with connection.cursor() as cursor:
        cursor.execute(TRIM_JOURNAL, [JOURNAL_ENTRIES_KEPT, JOURNAL_REPEATS_KEPT])


def _delete_older(table: str, key: str, column: str, before: datetime) -> None:
    # Only names from this module go into the text of the statement.
    statement = DELETE.format(table=table, key=key, column=column)
    deleted, newest = BATCH, datetime.fromtimestamp(0, UTC)
    while deleted == BATCH:
        deleted, newest = _counted(statement, newest, before, BATCH)


def _counted(statement: str, *parameters: Any) -> tuple[int, Any]:
    """Runs a batch in a transaction of its own: how many rows, and how far it came."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        count, reached = cursor.fetchone()
    return count, reached
