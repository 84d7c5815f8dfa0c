"""How often one network may have us mail somebody, or guess at a code, without signing in."""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.core.cache import cache

from portal.request import Request

AN_HOUR = 120  # posts of the public forms; an office behind one address stays far below it


def is_over(request: Request) -> bool:
    """Counts this post. While Valkey is away each process counts for itself (portal/cache.py)."""
    if not settings.THROTTLING:
        return False
    key = f"public-forms:{_network(request.address)}:{request.now:%Y%m%d%H}"
    try:
        cache.add(key, 0, timeout=3600)
        return cache.incr(key) > AN_HOUR
    except ValueError:  # forgotten since the line before
        return False


def _network(address: str) -> str:
    """An IPv6 customer has a /64 of addresses to choose from."""
    if not address or ip_address(address).version == 4:
        return address
    return str(ip_network(f"{address}/64", strict=False))
