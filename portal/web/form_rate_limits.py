"""Rate limits of the public forms, which send mail or check codes without a sign-in, per network; and of the search."""

from django.conf import settings
from django.core.cache import cache

from foundation.ip_addresses import network
from portal.web.http_request import Request

MAX_POSTS_PER_HOUR = 120  # of one network; an office behind one address stays far below
FAILURES_S = SEARCHES_S = 60
MAX_SEARCHES = 120  # of one account in SEARCHES_S; the dialog of the header searches at each pause in typing


def is_over_for_failures(request: Request) -> bool:
    """Count a value that somebody tries out; return whether the network tried as many as may fail in a minute."""
    if not settings.THROTTLING:
        return False
    limit: int = settings.FAILURE_RATE_LIMIT
    return _count(f"tried:{network(request.address)}:{request.now:%Y%m%d%H%M}", FAILURES_S) > limit


def is_over(request: Request) -> bool:
    """Count this post; return whether the limit is exceeded. Per process without Valkey (portal/config/cache.py)."""
    if not settings.THROTTLING:
        return False
    return _count(f"public-forms:{network(request.address)}:{request.now:%Y%m%d%H}", 3600) > MAX_POSTS_PER_HOUR


def is_over_for_searches(request: Request) -> bool:
    """Count this search; return whether the account, or without a sign-in the network, searches faster than people."""
    if not settings.THROTTLING:
        return False
    user = request.user
    who = f"user-{user.pk}" if user.is_authenticated else network(request.address)
    return _count(f"searches:{who}:{request.now:%Y%m%d%H%M}", SEARCHES_S) > MAX_SEARCHES


def _count(key: str, seconds: int) -> int:
    """Count and return the number; 0 if the counter was evicted meanwhile."""
    try:
        cache.add(key, 0, timeout=seconds)
        return int(cache.incr(key))
    except ValueError:
        return 0
