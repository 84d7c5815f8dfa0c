"""Exports of lists, as entries of the change log."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from foundation.secret_format import without_secrets


@transaction.atomic
def note_clients_exported(*, filters: Mapping[str, str], by: Actor) -> None:
    """Log who exported the list of clients, and which part of it."""
    changes = {"filters": (None, without_secrets(urlencode(filters)) or None)}
    log.record(action=Action.CLIENTS_EXPORTED, actor=by, subject=log.SITE, changes=changes)
