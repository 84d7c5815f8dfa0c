"""Network address of the caller, behind a known number of trusted proxies."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

MAX_ADDRESS_LENGTH = 80  # characters, with port and zone: a longer text is no address


def client_address(peer: str, forwarded_for: str, trusted_proxies: int) -> str:
    """Return the address that the outermost trusted proxy saw, or the peer's; "" if there is none (a unix socket).

    Each proxy appends to X-Forwarded-For, so all but the last `trusted_proxies` entries may be the caller's invention.
    """
    candidate = peer
    if trusted_proxies:
        forwarded = forwarded_for.split(",") if forwarded_for else []
        if len(forwarded) >= trusted_proxies:
            candidate = forwarded[-trusted_proxies].strip()
    return _normal(candidate) if len(candidate) <= MAX_ADDRESS_LENGTH else ""


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Return the key of a limit per address: an IPv4 address, or the /64 that an IPv6 customer controls; "" for ""."""
    return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address


@lru_cache(maxsize=4096)
def wide_network(network: str) -> str:
    """Return the /24 or /48, roughly a site, of an address or a smaller network; the text itself if it is neither."""
    try:
        return str(ip_network(f"{network.partition('/')[0]}/{48 if ':' in network else 24}", strict=False))
    except ValueError:
        return network


def listening_host(host: str) -> str:
    """Return the host as asyncio takes it: it would listen on `::` for IPv6 alone, and on an empty host for both."""
    return "" if host == "::" else host


@lru_cache(maxsize=4096)
def _normal(candidate: str) -> str:
    """Return an IPv4 address as such, also where a dual-stack socket has it as ::ffff:192.0.2.1.

    The zone of a link-local IPv6 address is removed: it may be any text, and PostgreSQL refuses it.
    """
    try:
        address = ip_address(_without_port(candidate).partition("%")[0])
    except ValueError:
        return ""
    return str((isinstance(address, IPv6Address) and address.ipv4_mapped) or address)


def _without_port(text: str) -> str:
    """Remove the port that some gateways (Azure's, IIS) append: 192.0.2.1:50414, [2001:db8::1]:50414."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
