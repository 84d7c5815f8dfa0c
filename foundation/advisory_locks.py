"""Named locks of PostgreSQL, for work that one worker at a time should do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def try_lock(name: str) -> Iterator[bool]:
    """Yield whether the lock was acquired. PostgreSQL releases it when the connection ends, also of a killed worker.

    The lock belongs to the session and not to a transaction, because the work under it commits in steps. So a worker
    refuses to start behind a pooler that gives each transaction another connection (tokens/storage/pooler.py).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        (mine,) = cursor.fetchone()
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
