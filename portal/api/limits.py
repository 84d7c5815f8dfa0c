"""Rate limits of the API (PROTOCOL T-19): HTTP requests a minute per client, and failures per network.

The counters are those of the cache; while Valkey is away each process counts for itself (portal/config/cache.py).
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.cache import cache

from clients.models import Client
from foundation.ip_addresses import network
from portal.api.problems import Problem
from tokens.protocol.errors import Rule

WINDOW_S = 60


def charge(client: Client, now: datetime) -> None:
    """Count an HTTP request of a client. Raises Problem over the limit."""
    _count(f"api:{client.pk}", client.rate_limit or settings.CLIENT_RATE_LIMIT, now)


def count_failure(address: str, now: datetime) -> None:
    """Count a failed authentication against the network of the address. Raises Problem over the limit."""
    _count(f"api-failures:{network(address)}", settings.FAILURE_RATE_LIMIT, now)


def count_report(address: str, now: datetime) -> None:
    """Count a report of leaks against the network of the address. Raises Problem over the limit."""
    _count(f"api-reports:{network(address)}", settings.CLIENT_RATE_LIMIT, now)


def _count(key: str, limit: int, now: datetime) -> None:
    if not settings.THROTTLING:
        return
    window, second = divmod(int(now.timestamp()), WINDOW_S)
    name = f"{key}:{window}"
    try:
        cache.add(name, 0, timeout=2 * WINDOW_S)
        count = cache.incr(name)
    except ValueError:  # forgotten since the line before
        return
    if count > limit:
        headers = {"Retry-After": str(WINDOW_S - second)}
        raise Problem(Rule.RATE_LIMIT, headers=headers, limit=limit)
