"""The caller's network address, behind however many proxies of ours."""

from collections.abc import Mapping
from ipaddress import ip_address


def client_address(environ: Mapping[str, str], trusted_proxies: int) -> str:
    """The address that our outermost proxy saw, or the peer's own; "" when there is none (a unix socket).

    X-Forwarded-For is appended to by each proxy, so only the last `trusted_proxies` entries are not the caller's own
    invention.
    """
    candidate = environ.get("REMOTE_ADDR", "")
    if trusted_proxies:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= trusted_proxies:
            candidate = forwarded[-trusted_proxies]
    try:
        return str(ip_address(candidate.strip()))
    except ValueError:
        return ""
