"""Django's connections to PostgreSQL: statement bounds set when one is opened, and a check for unsafe poolers."""

from __future__ import annotations

import asyncio
from typing import Any

from celery.signals import celeryd_init
from django.conf import settings
from django.db.backends.signals import connection_created

from tokens import policy
from tokens.storage.pooler import UnsafePooler, refuse_unsafe

# For processes that serve pages: a statement that hangs must free its thread before the proxy's own timeout
# (docs/operations.md). Commands and tasks have no bounds; `migrate` has its own. None of these bounds a commit.
PAGE_BOUNDS = {"statement_timeout": "12s", "lock_timeout": "8s", "idle_in_transaction_session_timeout": "1min"}

_bounds: dict[str, str] = {}


def bound_statements() -> None:
    """Apply PAGE_BOUNDS to every connection that this process opens from now on."""
    _bounds.update(PAGE_BOUNDS)


def configure(*, connection: Any, **_signal: Any) -> None:
    """Set the bounds on a new connection. By a statement, because PgBouncer refuses options at startup."""
    session = {"synchronous_commit": settings.SYNCHRONOUS_COMMIT, **_bounds}
    names = ", ".join("set_config(%s, %s, false)" for _ in session)
    values = [text for setting in session.items() for text in setting]
    connection.connection.execute(f"SELECT {names}", values)  # below Django, which would count a query of the page


connection_created.connect(configure, dispatch_uid="portal.config.database")


@celeryd_init.connect(dispatch_uid="portal.config.database")
def refuse_unsafe_pooler(**_signal: Any) -> None:
    """Refuse to start a worker behind a pooler that shares sessions: session locks would leak to other clients.

    See foundation/advisory_locks.py. Receives Celery's signal that a worker is about to start.
    """
    try:
        asyncio.run(refuse_unsafe(policy.from_settings().database))
    except UnsafePooler as problem:
        raise SystemExit(str(problem)) from problem
