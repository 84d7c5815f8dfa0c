"""Deprecated scopes with time: their holders are mailed again, and the scopes are retired on their date."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from clients import expiry
from clients.actors import KEYDESK_ITSELF, Actor
from clients.acts import catalogue
from clients.acts.scopes.deprecation import tell_holders
from clients.models import Scope

WARN_DAYS = (30, 7)  # before the date, once each


def settle(*, now: datetime) -> None:
    """Warn the holders of scopes that end soon, and retire those whose date has come."""
    for pk in Scope.objects.deprecated().values_list("pk", flat=True):
        _settle(pk, now)


@transaction.atomic
def _settle(pk: int, now: datetime) -> None:
    # Withdrawn or retired before the lock, it is not found.
    scope = Scope.objects.deprecated().select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()
    if scope is None or scope.retires_at is None:
        return
    if scope.retires_at <= now:
        by = Actor(system=KEYDESK_ITSELF)
        catalogue.retire_scope(scope=scope, reason=scope.deprecation_reason, by=by, now=now)
        return
    step = expiry.step_passed(scope.retires_at, now, WARN_DAYS)
    if step and (scope.warned_at is None or scope.warned_at < step):
        Scope.objects.filter(pk=pk).update(warned_at=now)
        tell_holders(scope, now)
