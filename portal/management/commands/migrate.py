"""`manage.py migrate`: Django's, with a bound on how long each statement of a migration waits for a lock."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations import Migration

# ALTER TABLE waits for every transaction that has read the table, and each later query of that table queues behind the
# ALTER. Without a bound, a migration that meets a long transaction stops the service for as long as that transaction
# lasts. With it, the migration fails and can be repeated. It is shorter than the 3 s after which the authorization
# server gives a statement up (tokens/storage/pg_connection.py), so that the queries in the queue are only late.
LOCK_TIMEOUT = "2s"

# These wait for older transactions without holding up any query. Interrupted, they leave an invalid index behind.
CONCURRENT = (AddIndexConcurrently, RemoveIndexConcurrently)


class Command(migrate.Command):
    """Bound every migration, those of libraries included, so that no migration has to set the bound."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        self.database = options["database"]
        return super().handle(*args, **options)

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """Receive the step of a migration that Django is about to do, or has done."""
        super().migration_progress_callback(action, migration, fake)
        if migration is not None and action in ("apply_start", "unapply_start"):
            concurrent = bool(migration.operations) and all(isinstance(op, CONCURRENT) for op in migration.operations)
            self.set_lock_timeout("0" if concurrent else LOCK_TIMEOUT)
        elif action in ("apply_success", "unapply_success"):
            self.set_lock_timeout("0")

    def set_lock_timeout(self, value: str) -> None:
        with connections[self.database].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [value])
