"""Django's connections to PostgreSQL: what each is told when it is opened, and through which poolers they may go."""

from __future__ import annotations

import asyncio
from typing import Any

from celery.signals import celeryd_init
from django.conf import settings
from django.db.backends.signals import connection_created

from tokens.protocol import policy
from tokens.storage.pooler import UnsafePooler, refuse_unsafe

# For processes that serve pages: whatever hangs gives its thread back. Shorter than a proxy waits (docs/operations.md).
# Commands and tasks may take as long as they need; `migrate` has a bound of its own. None of these bounds a commit.
PAGE_BOUNDS = {"statement_timeout": "12s", "lock_timeout": "8s", "idle_in_transaction_session_timeout": "1min"}

_bounds: dict[str, str] = {}


def bound_statements() -> None:
    """From now on new connections of this process have PAGE_BOUNDS."""
    _bounds.update(PAGE_BOUNDS)


def configure(*, connection: Any, **_signal: Any) -> None:
    """Receive Django's signal that a connection was opened. By a statement: PgBouncer refuses options at the start."""
    session = {"synchronous_commit": settings.SYNCHRONOUS_COMMIT, **_bounds}
    names = ", ".join("set_config(%s, %s, false)" for _ in session)
    values = [text for setting in session.items() for text in setting]
    connection.connection.execute(f"SELECT {names}", values)  # psycopg's own: it is no query of the page


connection_created.connect(configure, dispatch_uid="portal.config.database")


@celeryd_init.connect(dispatch_uid="portal.config.database")
def refuse_unsafe_pooler(**_signal: Any) -> None:
    """Before a worker begins: a lock of a session (foundation/advisory_locks.py) would stay behind in another."""
    try:
        asyncio.run(refuse_unsafe(policy.from_settings().database))
    except UnsafePooler as problem:
        raise SystemExit(str(problem)) from problem
