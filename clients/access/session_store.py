"""Session store: Django's, with columns for the owner of a session.

The database holds a digest of the session's key, so that reading the table gives no access. The portal runs in threads
(WSGI): the store's asynchronous methods are not used, and would find nothing.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth import SESSION_KEY as USER
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db.utils import InternalError, OperationalError
from django.utils import timezone

from clients.models import Session

# Keys of the session's data. The sign-in sets them, and they survive a new session key.
UID, STARTED_AT, SEEN_AT, ADDRESS, BROWSER = "uid", "started_at", "seen_at", "address", "browser"
METHOD = "method"  # of Session.Method
DIGEST_LENGTH = 40  # hexadecimal digits, 160 bits: as long as Django's column


class SessionStore(db.SessionStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        found = Session.objects.filter(session_key=digest(self.session_key), expire_date__gt=timezone.now()).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=digest(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.session_key = digest(row.session_key)
        row.uid, row.user_id = data.get(UID), data.get(USER)
        row.started_at, row.seen_at = _moment(data.get(STARTED_AT)), _moment(data.get(SEEN_AT))
        row.address, row.browser = data.get(ADDRESS, ""), data.get(BROWSER, "")
        row.method = data.get(METHOD, "")
        return row

    def save(self, must_create: bool = False) -> None:
        """Save the session. An outage stays one; for Django it means that somebody ended the session meanwhile."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError | InternalError):
                raise error.__context__  # noqa: B904  (with its own cause)
            raise

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(session_key=digest(key)).delete()


def digest(session_key: str | None) -> str:
    return hashlib.sha256((session_key or "").encode()).hexdigest()[:DIGEST_LENGTH]


def _moment(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
