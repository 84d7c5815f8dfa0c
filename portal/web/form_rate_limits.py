"""How often one network may have us mail somebody, or guess at a code, without signing in."""

from django.conf import settings
from django.core.cache import cache

from foundation.ip_addresses import network
from portal.web.http_request import Request

AN_HOUR = 120  # posts of the public forms; an office behind one address stays far below it


def is_over(request: Request) -> bool:
    """Counts this post. While Valkey is away each process counts for itself (portal/config/cache.py)."""
    if not settings.THROTTLING:
        return False
    key = f"public-forms:{network(request.address)}:{request.now:%Y%m%d%H}"
    try:
        cache.add(key, 0, timeout=3600)
        return cache.incr(key) > AN_HOUR
    except ValueError:  # forgotten since the line before
        return False
