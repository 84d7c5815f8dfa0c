"""Wishes of the authorization server for the keys of issuers, which the worker answers (PROTOCOL F-35)."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from clients.models import Issuer


def issuers_asked_for() -> QuerySet[Issuer]:
    """Return the enabled issuers whose keys were not looked at since a JWT named an unknown one."""
    unanswered = Q(keys_tried_at=None) | Q(keys_tried_at__lt=F("key_request__asked_at"))
    return Issuer.objects.enabled().filter(unanswered, key_request__isnull=False)
