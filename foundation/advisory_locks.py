"""A lock with a name, for what one worker at a time should do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def try_lock(name: str) -> Iterator[bool]:
    """Is it ours? The lock belongs to the connection, so it ends with a worker that is killed.

    It is of a session and not of a transaction, because what is done meanwhile commits in steps. So a pooler that gives
    each transaction another connection is refused when a worker starts (tokens/storage/pooler.py).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        (mine,) = cursor.fetchone()
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
