"""`manage.py migrate`: how long a migration waits for a lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import call_command
from django.db import OperationalError, connection, models
from django.db.migrations import Migration, RunPython

from portal.management.commands import migrate

pytestmark = pytest.mark.django_db


def lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def migration(*operations: Any) -> Migration:
    made = Migration("0002_later", "tokens")
    made.operations = list(operations)
    return made


@pytest.fixture
def command() -> migrate.Command:
    command = migrate.Command()
    command.database, command.verbosity = "default", 0
    return command


@pytest.fixture
def a_long_transaction() -> Iterator[None]:
    """A transaction that has read the table of verifications and does not end."""
    with closing(connection.copy()) as own:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit_verification")
        yield


def test_a_migration_gives_up_a_table_that_it_cannot_lock(a_long_transaction: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20s'")  # without the bound this test fails, and does not hang
    with pytest.raises(OperationalError) as caught:
        call_command("migrate", "audit", "zero", verbosity=0)
    assert isinstance(caught.value.__cause__, psycopg.errors.LockNotAvailable)


def test_a_migration_has_a_bound_and_what_comes_after_it_has_none(command: Any) -> None:
    later = migration(RunPython(RunPython.noop))
    for start, success in (("apply_start", "apply_success"), ("unapply_start", "unapply_success")):
        command.migration_progress_callback(start, later)
        assert lock_timeout() == "2s"
        command.migration_progress_callback(success, later)
        assert lock_timeout() == "0"


def test_an_index_that_is_built_concurrently_waits_for_older_transactions(command: Any) -> None:
    build = AddIndexConcurrently("token", models.Index(fields=["epoch"], name="token_epoch"))
    command.migration_progress_callback("apply_start", migration(build))
    assert lock_timeout() == "0"
    command.migration_progress_callback("apply_start", migration(build, RunPython(RunPython.noop)))
    assert lock_timeout() == "2s"
