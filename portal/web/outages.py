"""Errors that mean that the database is away: answered by 503, not 500."""

from __future__ import annotations

from django.db import connection
from django.db.utils import InterfaceError, InternalError, OperationalError
from psycopg.errors import ReadOnlySqlTransaction


def is_outage(error: object) -> bool:
    """Return whether an error is none of ours: no connection, or one to a server that has just become a replica."""
    if isinstance(error, InternalError):
        return isinstance(error.__cause__, ReadOnlySqlTransaction)
    return isinstance(error, OperationalError | InterfaceError)


def leave_server() -> None:
    """Close the connection after an outage. A replica's answers `SELECT 1`, so Django would keep it."""
    connection.close()
