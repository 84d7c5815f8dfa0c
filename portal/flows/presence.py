"""Presence: who of the team looks at a request now. A hint, never a lock, and kept in the cache only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.cache import cache

LAPSES_AFTER = timedelta(seconds=60)  # without a sign of life; pages give one every 20 seconds


def look(*, request_pk: int, user_pk: int, now: datetime) -> None:
    """Note that this person looks at the request now."""
    seen = {**_fresh(cache.get(_key(request_pk)), now), str(user_pk): now.timestamp()}
    cache.set(_key(request_pk), seen, LAPSES_AFTER.total_seconds())


def leave(*, request_pk: int, user_pk: int, now: datetime) -> None:
    """Note that this person decided on it, or went away."""
    seen = _fresh(cache.get(_key(request_pk)), now)
    seen.pop(str(user_pk), None)
    cache.set(_key(request_pk), seen, LAPSES_AFTER.total_seconds())


def looking(request_pks: Iterable[int], *, now: datetime) -> dict[int, list[int]]:
    """Return by request the people who look at it, longest first."""
    keys = {_key(pk): pk for pk in request_pks}
    found = {keys[key]: _fresh(seen, now) for key, seen in cache.get_many(keys).items()}
    return {pk: [int(user) for user in seen] for pk, seen in found.items() if seen}


def _fresh(seen: dict[str, float] | None, now: datetime) -> dict[str, float]:
    return {user: at for user, at in (seen or {}).items() if now.timestamp() - at < LAPSES_AFTER.total_seconds()}


def _key(request_pk: int) -> str:
    return f"looking-at-request:{request_pk}"
