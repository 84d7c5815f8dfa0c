"""Errors that mean that the database is away: answered by 503, not 500."""

from __future__ import annotations

from django.db import connection
from django.db.utils import InterfaceError, InternalError, OperationalError
from psycopg.errors import ReadOnlySqlTransaction


def is_outage(error: object) -> bool:
    """Return whether an error is none of ours: no connection, or one to a server that has just become a replica.

    Such a connection still answers `SELECT 1`, so it would be kept: it is closed.
    """
    if isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction):
        connection.close()
        return True
    return isinstance(error, OperationalError | InterfaceError)
