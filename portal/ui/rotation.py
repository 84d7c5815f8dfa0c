"""Rotation of a key or secret: whether the new one is in use, and the old one no longer is.

Works on rows that were loaded beforehand, as portal/ui/client_health.py does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clients.expiry import EXPIRY_NOTICE, UNUSED_AFTER
from clients.models import Client, Key, Secret
from portal.ui.dates import ago
from tokens.models import CredentialUse

ROTATION_MEMORY = timedelta(days=30)  # an old credential that stopped earlier is part of no rotation
SAFE_AFTER = timedelta(hours=24)  # without a use, while the new one is used

Uses = Mapping[str, CredentialUse]


@dataclass(frozen=True)
class Rotation:
    """An old credential that was used, so that software depends on it, and the new one that takes its place."""

    old: Key | Secret
    new: Key | Secret
    stops_at: datetime
    old_used_at: datetime
    new_used_at: datetime | None
    now: datetime

    @property
    def is_secret(self) -> bool:
        return isinstance(self.old, Secret)

    @property
    def has_stopped(self) -> bool:
        return self.stops_at <= self.now

    @property
    def is_quiet(self) -> bool:
        """Whether the old credential has not been used for a while, so that its end breaks nothing."""
        return self.old_used_at <= self.now - UNUSED_AFTER

    @property
    def is_safe(self) -> bool:
        """Whether the old credential can be retired: the new one is used, and the old one was not for a day."""
        return self.new_used_at is not None and self.old_used_at <= self.now - SAFE_AFTER

    @property
    def is_over(self) -> bool:
        return self.new_used_at is not None and (self.is_quiet or self.has_stopped)

    @property
    def words(self) -> str:
        when = {"when": ago(self.stops_at, self.now), "used": ago(self.old_used_at, self.now)}
        if self.has_stopped:
            words = (
                _("Not replaced: the new secret has not been used, and the old one stopped %(when)s")
                if self.is_secret
                else _("Not replaced: the new key has not been used, and the old one stopped %(when)s")
            )
        elif self.new_used_at is None:
            words = (
                _("Replacing: the new secret has not been used yet, the old one stops %(when)s")
                if self.is_secret
                else _("Replacing: the new key has not been used yet, the old one stops %(when)s")
            )
        else:
            words = (
                _("Replacing: the new secret is used, but so was the old one %(used)s, which stops %(when)s")
                if self.is_secret
                else _("Replacing: the new key is used, but so was the old one %(used)s, which stops %(when)s")
            )
        return words % when


def of_client(
    client: Client, keys: Iterable[Key], secrets: Iterable[Secret], uses: Uses, now: datetime
) -> Rotation | None:
    """Return the most urgent rotation in progress, also one whose old credential stopped too soon; else None."""
    keys, secrets = list(keys), list(secrets) if client.accepts_secrets else []
    last_use = _last_use_of_working(keys, secrets, uses, now)
    waiting = [
        rotation
        for rotation in (*_of_keys(keys, uses, now), *_of_secrets(secrets, uses, now))
        # Software that moved to a credential other than the newest one does not depend on the stopped one.
        if not rotation.is_over and not (rotation.has_stopped and last_use > rotation.stops_at)
    ]
    return min(waiting, key=lambda rotation: rotation.stops_at, default=None)


def _of_keys(keys: list[Key], uses: Uses, now: datetime) -> Iterator[Rotation]:
    for old in keys:
        end = old.end_at
        if end is None or old.active_from is None or not now - ROTATION_MEMORY < end <= now + EXPIRY_NOTICE:
            continue
        after = [
            key for key in keys
            if key.state(now) == Key.State.ACTIVE and key != old and (key.own_end is None or key.own_end > end)
        ]  # fmt: skip
        yield from _rotation(old, after, end, uses, now)


def _of_secrets(secrets: list[Secret], uses: Uses, now: datetime) -> Iterator[Rotation]:
    current = [secret for secret in secrets if secret.ends_at is None]
    for old in secrets:
        if old.ends_at and old.ends_at > now - ROTATION_MEMORY:
            yield from _rotation(old, current, old.ends_at, uses, now)


def _rotation[Credential: (Key, Secret)](
    old: Credential, after: list[Credential], end: datetime, uses: Uses, now: datetime
) -> Iterator[Rotation]:
    """Return None without a successor, or when the old credential was never used: then nothing depends on it."""
    use = uses.get(old.credential)
    if not after or use is None:
        return
    new = max(after, key=lambda one: (one.credential in uses, one.pk))
    new_use = uses.get(new.credential)
    yield Rotation(
        old=old, new=new, stops_at=end, old_used_at=use.last_used_at,
        new_used_at=new_use.last_used_at if new_use else None, now=now,
    )  # fmt: skip


def _last_use_of_working(keys: list[Key], secrets: list[Secret], uses: Uses, now: datetime) -> datetime:
    works = (Key.State.ACTIVE, Key.State.RETIRING)
    working: list[Key | Secret] = [key for key in keys if key.state(now) in works]
    working += [secret for secret in secrets if secret.works(now)]
    used = [uses[one.credential].last_used_at for one in working if one.credential in uses]
    return max(used, default=datetime.min.replace(tzinfo=now.tzinfo))
