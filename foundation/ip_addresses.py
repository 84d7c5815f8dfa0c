"""The caller's network address, behind however many proxies of ours."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

MAX_ADDRESS_LENGTH = 80  # characters, with port and zone: a longer text is no address


def client_address(peer: str, forwarded_for: str, trusted_proxies: int) -> str:
    """The address that our outermost proxy saw, or the peer's own; "" when there is none (a unix socket).

    X-Forwarded-For is appended to by each proxy, so only the last `trusted_proxies` entries are not the caller's own
    invention.
    """
    candidate = peer
    if trusted_proxies:
        forwarded = forwarded_for.split(",") if forwarded_for else []
        if len(forwarded) >= trusted_proxies:
            candidate = forwarded[-trusted_proxies].strip()
    return _normal(candidate) if len(candidate) <= MAX_ADDRESS_LENGTH else ""


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Whom a limit for addresses is for. An IPv6 customer has a /64 of them to choose from. "" for "" too."""
    return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address


@lru_cache(maxsize=4096)
def _normal(candidate: str) -> str:
    """An IPv4 address as that, also where a socket for both kinds has it as ::ffff:192.0.2.1.

    Without the zone of a link-local IPv6 address, which may be any text and which PostgreSQL does not take.
    """
    try:
        address = ip_address(_without_port(candidate).partition("%")[0])
    except ValueError:
        return ""
    return str((isinstance(address, IPv6Address) and address.ipv4_mapped) or address)


def _without_port(text: str) -> str:
    """Some gateways send it along (Azure's, IIS): 192.0.2.1:50414, [2001:db8::1]:50414."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
