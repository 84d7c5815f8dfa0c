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
from portal.web.http_request import Request
from tokens.protocol.errors import Allowance, Rule

WINDOW_S = 60


def charge(request: Request, client: Client) -> None:
    """Count an HTTP request of a client, and keep what is left for header fields. Raises Problem over the limit."""
    limit = client.rate_limit or settings.CLIENT_RATE_LIMIT
    count = _counted(f"api:{client.pk}", request.now)
    if count is not None:
        request.allowance = Allowance(limit, max(limit - count, 0), _resets_in(request.now))
        _refuse_over(limit, count, request.now)


def headers_of(request: Request) -> dict[str, str]:
    """Return RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers) for a client that was charged."""
    if request.allowance is None:
        return {}
    limit, remaining, resets_in = request.allowance
    return {
        "RateLimit-Policy": f'"client";q={limit};w={WINDOW_S}',
        "RateLimit": f'"client";r={remaining};t={resets_in}',
    }


def count_failure(address: str, now: datetime) -> None:
    """Count a failed authentication against the network of the address. Raises Problem over the limit."""
    _count(f"api-failures:{network(address)}", settings.FAILURE_RATE_LIMIT, now)


def count_report(address: str, now: datetime) -> None:
    """Count a report of leaks against the network of the address. Raises Problem over the limit."""
    _count(f"api-reports:{network(address)}", settings.CLIENT_RATE_LIMIT, now)


def _count(key: str, limit: int, now: datetime) -> None:
    _refuse_over(limit, _counted(key, now) or 0, now)


def _counted(key: str, now: datetime) -> int | None:
    """Return the number in this window, with this one; None where nothing is counted."""
    if not settings.THROTTLING:
        return None
    name = f"{key}:{int(now.timestamp()) // WINDOW_S}"
    try:
        cache.add(name, 0, timeout=2 * WINDOW_S)
        return int(cache.incr(name))
    except ValueError:  # forgotten since the line before
        return None


def _resets_in(now: datetime) -> int:
    return WINDOW_S - int(now.timestamp()) % WINDOW_S


def _refuse_over(limit: int, count: int, now: datetime) -> None:
    if count > limit:
        headers = {"Retry-After": str(_resets_in(now))}
        raise Problem(Rule.RATE_LIMIT, headers=headers, limit=limit)
