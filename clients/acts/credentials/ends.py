"""The end of a secret or bare key by its age (PROTOCOL C-39). A certificate has an end of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from clients.models import Key, Secret


def give(row: Key | Secret, *, now: datetime) -> None:
    """Set the end of a credential that is being made; its act saves it."""
    row.site_expires_at = row.expires_at = _after(_site_age(row), now)


def _site_age(row: Key | Secret) -> timedelta:
    if isinstance(row, Secret):
        return settings.SECRET_MAX_AGE
    return settings.KEY_MAX_AGE if row.kind == Key.Kind.JWK else timedelta(0)


def _after(age: timedelta, now: datetime) -> datetime | None:
    return now + age if age else None
