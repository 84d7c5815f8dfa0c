"""The network of an address, and whether a person acted from it before.

Mails recognise a person by network, because the exact address changes from day to day.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.models import User, UserNetwork

PREFIX_LENGTH = {4: 24, 6: 48}  # by IP version; 48 bits are what a provider gives one site (RFC 6177)
KNOWN_AFTER = timedelta(days=1)
SEEN_AGAIN_AFTER = timedelta(days=1)  # acts within this time are not written


@dataclass(frozen=True)
class Sighting:
    """Act of a person from a network: whether it is their first at all, and whether the network is new to us."""

    first: bool
    new: bool


def network_of(address: str) -> str:
    """Return the network as "193.190.44.0/24"; "" for a text that is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, PREFIX_LENGTH[ip.version]), strict=False))


def see(*, user: User, address: str, now: datetime) -> Sighting:
    """Record that the person acts from this network, which is known a day after the first act from it.

    Not sooner, because an intruder in a mailbox acts several times in a row from one network.
    """
    network = network_of(address)
    if not network:
        return Sighting(first=False, new=False)
    row, first = UserNetwork.objects.get_or_create(
        user=user, network=network, defaults={"first_seen_at": now, "last_seen_at": now}
    )
    if row.last_seen_at <= now - SEEN_AGAIN_AFTER:
        UserNetwork.objects.filter(pk=row.pk).update(last_seen_at=now)
    return Sighting(first=first, new=row.first_seen_at > now - KNOWN_AFTER)
