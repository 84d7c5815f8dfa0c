"""Tasks of the authorization server for the worker: clean-up, in batches that delay no HTTP request."""

from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import connection
from django.utils import timezone

from clients import expiry
from clients.models import Client, Issuer
from foundation.dispatch import wake
from tokens.acts import leak_reports
from tokens.acts.federation import key_requests, trust_tokens
from tokens.acts.uses import first_uses, new_networks, scope_uses, unused_clients
from tokens.models import CredentialUse

BATCH_ROWS = 250  # rows per transaction: a millisecond or two
PAUSE_FACTOR = 4  # pause between batches, as a multiple of a batch's duration
REPLAY_MARGIN = timedelta(minutes=2)  # keeps a used assertion for servers whose clock is behind
JOURNAL_KEPT = timedelta(days=30)
JOURNAL_ENTRIES_KEPT = 200  # of one client for one reason
JOURNAL_REPEATS_KEPT = 100  # of those from one address
REFUSAL_COUNTS_KEPT = timedelta(days=31)  # the charts show thirty days and a part of one
ANONYMOUS_KEPT = timedelta(hours=24)  # PROTOCOL R-30
MAX_ANONYMOUS = 20_000  # entries; of one network:
MAX_ANONYMOUS_OF_NETWORK = 200
KEY_REQUEST_EXPIRES_S = 10  # by then beat has found it again

# Each batch starts at the position of the last one, so that deleted rows are not scanned again. Commits are not synced
# to disk, so that HTTP requests do not wait for them; after a crash the work is repeated.
DELETE = """
WITH gone AS (
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM {table} WHERE {column} >= %(position)s AND {column} < %(before)s
        ORDER BY {column} LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    )) RETURNING {column}
)
SELECT count(*), max({column}), set_config('synchronous_commit', 'off', true) FROM gone
"""

MARK_DEAD = """
WITH marked AS (
    UPDATE tokens_token SET revoked_at = now() WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM tokens_token
        WHERE client_id = %(client)s AND epoch < %(epoch)s AND revoked_at IS NULL AND issued_at <= %(position)s
        ORDER BY issued_at DESC LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    )) RETURNING issued_at
)
SELECT count(*), min(issued_at), set_config('synchronous_commit', 'off', true) FROM marked
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

TRIM_ANONYMOUS = """
DELETE FROM tokens_anonymousrefusal WHERE why IN (
    SELECT why FROM (
        SELECT why,
               row_number() OVER (ORDER BY at DESC) AS nth,
               row_number() OVER (
                   PARTITION BY network(set_masklen(address, CASE family(address) WHEN 4 THEN 32 ELSE 64 END))
                   ORDER BY at DESC
               ) AS nth_of_network
        FROM tokens_anonymousrefusal
    ) numbered
    WHERE nth > %s OR nth_of_network > %s
)
"""


@shared_task
def clean_up_after_invalidation(client_pk: int) -> None:
    """Mark tokens of earlier token generations (`epoch`) as revoked, so that pages see it in the token's row."""
    epoch = Client.objects.values_list("epoch", flat=True).get(pk=client_pk)
    _in_batches(MARK_DEAD, position=timezone.now(), client=client_pk, epoch=epoch)


@shared_task
def mark_tokens_of_issuer(issuer_pk: int) -> None:
    """Mark the tokens of a disabled issuer's trusts as revoked, so that pages see it in the token's row."""
    issuer = Issuer.objects.get(pk=issuer_pk)
    if issuer.disabled_at is not None:
        trust_tokens.stop_of_issuer(issuer, now=issuer.disabled_at)


@shared_task
def fetch_keys_asked_for() -> None:
    """Have the keys of issuers fetched whose JWTs named an unknown key (PROTOCOL F-35)."""
    for pk in key_requests.issuers_asked_for().values_list("pk", flat=True):
        wake("clients.tasks.fetch_issuer_keys", pk, expires=KEY_REQUEST_EXPIRES_S)


@shared_task
def warn_of_expiry() -> None:
    """Send the warnings of expiry. Here and not in clients/, which does not know when keys were used."""
    expiry.warn(now=timezone.now(), last_uses=CredentialUse.objects.all().last_uses)


@shared_task
def settle_unused_clients() -> None:
    """Tell the contacts of clients that nobody uses, and suspend those that stay unused."""
    unused_clients.settle(now=timezone.now())


@shared_task
def settle_first_uses() -> None:
    """Let keys that waited for their first use take over, and drop those that waited in vain (API M-9)."""
    first_uses.settle(now=timezone.now())


@shared_task
def end_tokens_after_grace() -> None:
    """Invalidate the tokens of leaked secrets whose grace is over."""
    leak_reports.end_tokens_after_grace(now=timezone.now())


@shared_task
def note_new_networks() -> None:
    """Ask contacts about the networks that clients were used from for the first time (PROTOCOL C-43)."""
    new_networks.sweep(now=timezone.now())


@shared_task
def purge_expired() -> None:
    """Delete expired rows, and the surplus that a flood of refusals left in the refusal journal."""
    now = timezone.now()
    scope_uses.note(now=now)
    _delete_older("tokens_token", "expires_at", now)
    _delete_older("tokens_usedassertion", "expires_at", now - REPLAY_MARGIN)
    _delete_older("tokens_journalentry", "at", now - JOURNAL_KEPT)
    _delete_older("tokens_refusalcount", "hour", now - REFUSAL_COUNTS_KEPT)
    _delete_older("tokens_anonymousrefusal", "at", now - ANONYMOUS_KEPT)
    _delete_older("tokens_usageday", "day", now - settings.USAGE_KEPT)
    _delete_older("tokens_apicalls", "day", now - settings.USAGE_KEPT)
    _delete_older("tokens_scopeuse", "last_issued_at", now - settings.USAGE_KEPT)
    _delete_older("tokens_usagedetail", "day", now - settings.USAGE_KEPT)
    new_networks.forget(now=now, kept=settings.USAGE_KEPT)
    with connection.cursor() as cursor:
        cursor.execute(TRIM_JOURNAL, [JOURNAL_ENTRIES_KEPT, JOURNAL_REPEATS_KEPT])
        cursor.execute(TRIM_ANONYMOUS, [MAX_ANONYMOUS, MAX_ANONYMOUS_OF_NETWORK])


def _delete_older(table: str, column: str, before: datetime) -> None:
    # Safe to format: table and column are constants of this module.
    statement = DELETE.format(table=table, column=column)
    _in_batches(statement, position=datetime.fromtimestamp(0, UTC), before=before)


def _in_batches(statement: str, position: datetime, **bounds: Any) -> None:
    """Run the statement until a batch is not full, each in its own transaction, with pauses for HTTP requests."""
    while True:
        began_at = monotonic()
        with connection.cursor() as cursor:
            cursor.execute(statement, {"position": position, "batch": BATCH_ROWS, **bounds})
            touched, position, _ = cursor.fetchone()
        if touched < BATCH_ROWS:
            return
        sleep(PAUSE_FACTOR * (monotonic() - began_at))
