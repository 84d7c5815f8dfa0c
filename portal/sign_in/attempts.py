"""Attempts of staff to sign in: each failure is a line of the process log, the first of an hour an entry.

Their number is limited. An attacker cannot lock a member of staff out. The first limit counts the account together with
the network of the attempt; a slower limit for the account alone stops an attacker with many networks. A device that the
person signed in with before is exempt from both, and has a limit of its own. An attempt is counted before it is judged,
so that parallel ones cannot exceed a limit; a success is taken back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.core.exceptions import ValidationError

from clients.actors import ANONYMOUS, Actor
from clients.authentication import staff_sign_ins
from clients.models import User
from foundation.ip_addresses import network
from portal.sign_in import known_devices
from portal.sign_in.allauth_internals import context
from portal.web import browsers
from portal.web.http_request import Request

log = structlog.get_logger("portal.sign_in")


@dataclass(frozen=True)
class Limit:
    """Number of failures allowed within a window in seconds; `refusal` is a key of AccountAdapter.error_messages."""

    name: str
    failures: int
    seconds: int
    refusal: str


# The first stops one password tried with many accounts. One network alone does not reach the account's limit.
NETWORK = Limit("network", 30, 300, "too_many_login_attempts")
ACCOUNT_AND_NETWORK = Limit("account and network", 5, 300, "too_many_login_attempts")
ACCOUNT_AND_NETWORK_IN_AN_HOUR = Limit("account and network in an hour", 10, 3600, "too_many_for_account")
ACCOUNT = Limit("account", 50, 3600, "too_many_for_account")
ACCOUNT_AND_DEVICE = Limit("account and device", 5, 300, "too_many_login_attempts")


class Attempt:
    """Attempt that was counted and is to be judged."""

    def __init__(self, request: Request, factor: str, user: User | None) -> None:
        self._request, self._factor, self._user = request, factor, user
        self._counted: list[str] = []

    def count(self, limit: Limit, *of: str) -> None:
        """Count the attempt. Raises ValidationError above the limit: the attempt is then not judged."""
        bucket = int(self._request.now.timestamp() // limit.seconds)
        names = hashlib.sha256("\0".join((limit.name, self._factor, *of)).encode()).hexdigest()
        key = f"sign-in:{names}:{bucket}"
        cache.add(key, 0, timeout=limit.seconds)
        self._counted.append(key)
        if (failures := _changed(key, 1)) > limit.failures:
            log.warning("sign_in_limited", factor=self._factor, user=self._name, limit=limit.name)
            if failures == limit.failures + 1 and self._user and self._user.is_staff_member:
                staff_sign_ins.note_limited(user=self._user, by=self._by, now=self._request.now)
            raise get_adapter().validation_error(limit.refusal)

    def succeeded(self) -> None:
        for key in self._counted:
            _changed(key, -1)

    def failed(self) -> None:
        log.warning("sign_in_failed", factor=self._factor, user=self._name)
        if self._user and self._user.is_staff_member:
            staff_sign_ins.note_failed(user=self._user, factor=self._factor, by=self._by, now=self._request.now)

    @property
    def _by(self) -> Actor:
        return actor_of(self._request, None)

    @property
    def _name(self) -> str:
        """The account's name, never what was typed: a password may be in the wrong field."""
        return self._user.audit_id if self._user else ""


def begin(request: Request, *, factor: str, account: str, user: User | None) -> Attempt:
    """Count an attempt. `account`: the account tried, whether it exists or not. Raises ValidationError."""
    attempt, place = Attempt(request, factor, user), network(request.address)
    if user is not None and known_devices.is_known(request, user):
        attempt.count(ACCOUNT_AND_DEVICE, account)
    else:
        attempt.count(ACCOUNT_AND_NETWORK, account, place)
        attempt.count(ACCOUNT_AND_NETWORK_IN_AN_HOUR, account, place)
        attempt.count(ACCOUNT, account)
        attempt.count(NETWORK, place)
    return attempt


@contextmanager
def judged(factor: str, user: User | None) -> Iterator[None]:
    """Count the block as an attempt at a second factor, for a form that raises ValidationError for a wrong one.

    Without a user there is no limit: a sign-in by passkey alone offers nothing to guess.
    """
    request = context.request
    attempt = Attempt(request, factor, user)
    if user is not None:
        attempt = begin(request, factor=factor, account=user.audit_id, user=user)
    try:
        yield
    except ValidationError:
        attempt.failed()
        raise
    attempt.succeeded()


def actor_of(request: Request, user: User | None) -> Actor:
    """Return the person signing in, for the change log; after sign-in use portal.guards.access.actor."""
    return Actor(
        user=user, address=request.address, request_id=request.id, system=ANONYMOUS, browser=browsers.of(request)
    )


def _changed(key: str, by: int) -> int:
    try:
        return cache.incr(key, by)
    except ValueError:  # deleted since it was added
        return max(by, 0)
