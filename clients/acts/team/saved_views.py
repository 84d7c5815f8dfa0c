"""Saved views of the queue. They are a person's own, so they are no entry of the change log."""

from __future__ import annotations

from clients.actors import Actor
from clients.models import SavedView
from clients.refusal_codes import Code
from foundation.refusals import Refusal

MAX_VIEWS = 20  # of a person


def save(*, name: str, query: str, by: Actor) -> SavedView:
    """Save a view, in the place of an earlier one of the same name. Raises Refusal for too many."""
    if by.user is None:
        raise Refusal(Code.NOT_SECURITY_TEAM)
    others = by.user.saved_views.exclude(name=name)
    if others.count() >= MAX_VIEWS:
        raise Refusal(Code.TOO_MANY_VIEWS, limit=MAX_VIEWS)
    view, _made = SavedView.objects.update_or_create(user=by.user, name=name, defaults={"query": query})
    return view
