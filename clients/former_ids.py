"""Present and former client ids: people paste an id from an old log."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from audit.actions import Action
from audit.models import Entry


def has_id(text: str) -> Q:
    """Return the condition for the client that has this client id, or had it before it was regenerated."""
    changed = Entry.objects.with_action(Action.CLIENT_ID_CHANGED).filter(changes__client_id__0=text)
    return Q(client_id=text) | Q(uid__in=list(filter(_is_uid, changed.values_list("client_ref", flat=True))))


def _is_uid(text: str) -> bool:
    """Return whether a text is a UUID; entries that were not written here can hold any text."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
