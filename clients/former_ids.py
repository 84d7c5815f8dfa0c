"""Client ids of today and of before: people paste one from an old log."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from audit.actions import Action
from audit.models import Entry


def has_id(text: str) -> Q:
    """The client whose client id this is, or was before it was regenerated."""
    changed = Entry.objects.with_action(Action.CLIENT_ID_CHANGED).filter(changes__client_id__0=text)
    return Q(client_id=text) | Q(uid__in=list(filter(_is_uid, changed.values_list("client_ref", flat=True))))


def _is_uid(text: str) -> bool:
    """An entry that was not written here can say anything."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
