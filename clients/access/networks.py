"""The network that an address belongs to, and whether a person acted from it before.

A network is what a person is recognised by in mails: their exact address changes from day to day.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.models import User, UserNetwork

PREFIX_LENGTH = {4: 24, 6: 48}  # by IP version; 48 bits are what a provider gives one site (RFC 6177)
KNOWN_AFTER = timedelta(days=1)
SEEN_AGAIN_AFTER = timedelta(days=1)  # a later act of the same day writes nothing


@dataclass(frozen=True)
class Sighting:
    """An act of a person from a network: the very first one, and whether the network is not known yet."""

    first: bool
    new: bool


def network_of(address: str) -> str:
    """Return the network as "193.190.44.0/24"; "" for what is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, PREFIX_LENGTH[ip.version]), strict=False))


def see(*, user: User, address: str, now: datetime) -> Sighting:
    """Remember that the person acts from this network. It is known a day after the first act from it.

    Not sooner: who got into a mailbox today acts from their own network several times in a row.
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
