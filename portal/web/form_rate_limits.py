"""Rate limit of the public forms, which send mail or check codes without a sign-in, per network."""

from django.conf import settings
from django.core.cache import cache

from foundation.ip_addresses import network
from portal.web.http_request import Request

MAX_POSTS_PER_HOUR = 120  # of one network; an office behind one address stays far below


def is_over(request: Request) -> bool:
    """Count this post; return whether the limit is exceeded. Per process without Valkey (portal/config/cache.py)."""
    if not settings.THROTTLING:
        return False
    key = f"public-forms:{network(request.address)}:{request.now:%Y%m%d%H}"
    try:
        cache.add(key, 0, timeout=3600)
        return cache.incr(key) > MAX_POSTS_PER_HOUR
    except ValueError:  # evicted since the line before
        return False
