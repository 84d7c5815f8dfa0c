"""What the worker does for the authorization server: cleaning up, in batches that hold nobody up."""

from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.db import connection
from django.utils import timezone

BATCH = 5_000  # rows per transaction
JOURNAL_KEPT = timedelta(days=30)
USAGE_KEPT = timedelta(days=400)


@shared_task
def clean_up_after_invalidation(client_pk: int) -> None:
    """Marks the dead tokens of an earlier epoch as revoked, so that pages and the purge need no join to know it."""
    statement = """
        UPDATE tokens_token SET revoked_at = now() WHERE digest IN (
            SELECT token.digest FROM tokens_token token JOIN clients_client client ON client.id = token.client_id
            WHERE token.client_id = %s AND token.epoch < client.epoch AND token.revoked_at IS NULL
            LIMIT %s FOR UPDATE OF token SKIP LOCKED
        )
    """
    _in_batches(statement, [client_pk])


@shared_task
def purge_expired() -> None:
    """Removes what nobody can ask about any more."""
    now = timezone.now()
    _delete_older("tokens_token", "digest", "expires_at", now)
    _delete_older("tokens_usedassertion", "client_id, jti_digest", "expires_at", now)
    _delete_older("tokens_journalentry", "id", "at", now - JOURNAL_KEPT)
    _delete_older("tokens_usageday", "client_id, day, credential", "day", now - USAGE_KEPT)


def _delete_older(table: str, key: str, column: str, before: datetime) -> None:
    # Only names from this module go into the text of the statement.
    statement = f"""
        DELETE FROM {table} WHERE ({key}) IN (
            SELECT {key} FROM {table} WHERE {column} < %s ORDER BY {column} LIMIT %s FOR UPDATE SKIP LOCKED
        )
    """  # noqa: S608
    _in_batches(statement, [before])


def _in_batches(statement: str, parameters: list[Any]) -> None:
    """Repeats until a batch was not full; each batch is its own transaction."""
    touched = BATCH
    while touched == BATCH:
        with connection.cursor() as cursor:
            cursor.execute(statement, [*parameters, BATCH])
            touched = cursor.rowcount
