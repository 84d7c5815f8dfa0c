"""Addresses that may be fetched: how they are written, and which hosts are public (PROTOCOL F-35)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from clients.refusal_codes import FetchCode
from foundation.refusals import Refusal

MAX_LENGTH = 512
HTTPS = 443
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
MAX_NAME_LENGTH = 253  # characters (RFC 1035 section 2.3.4)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

# Addresses that are routed like public ones and yet belong to the inside of a cloud.
_INSIDE_A_CLOUD = (
    IPv4Network("168.63.129.16/32"),  # Azure: the host of a virtual machine, with its metadata
    IPv4Network("161.26.0.0/16"),  # IBM Cloud: its services
    IPv4Network("166.8.0.0/14"),  # IBM Cloud: its service endpoints
    IPv4Network("192.88.99.0/24"),  # the relays of 6to4, which forward to anywhere
)
_PUBLIC_IPV6 = IPv6Network(
    "2000::/3"
)  # everything that was ever handed out; no mapped, NAT64 or local address is in it
_NOT_PUBLIC_IPV6 = (
    IPv6Network("2001::/23"),  # special purposes, with Teredo, which wraps an IPv4 address
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, which wraps an IPv4 address
    IPv6Network("3fff::/20"),  # documentation
)
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")  # wraps an IPv4 address in the last half


@dataclass(frozen=True)
class Address:
    """An https address in its parts. `allowed`: named in FEDERATION_ALLOWED_HOSTS, so that it need not be public."""

    host: str
    port: int
    target: str  # path and query
    allowed: bool

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS else f"{host}:{self.port}"


def parse(url: str, *, allowed_hosts: frozenset[str] = frozenset()) -> Address:
    """Return the parts of an address to fetch. Raises Refusal for everything but a plain https address of a name."""
    check_form(url)
    parts = urlsplit(url)
    netloc = parts.netloc.lower()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host, port = (parts.hostname or ""), parts.port or HTTPS
    allowed = netloc in allowed_hosts or (port == HTTPS and netloc.removesuffix(f":{HTTPS}") in allowed_hosts)
    if not allowed:
        if port != HTTPS:
            raise Refusal(FetchCode.ADDRESS_PORT)
        if not _is_name(host):
            raise Refusal(FetchCode.ADDRESS_NOT_PUBLIC)
    return Address(host, port, target, allowed)


def check_form(url: str) -> None:
    """Refuse what is no https address in plain spelling. Raises Refusal."""
    if not url.startswith("https://"):
        raise Refusal(FetchCode.ADDRESS_NOT_HTTPS)
    if len(url) > MAX_LENGTH or not _VISIBLE_ASCII.fullmatch(url) or set(url) & set('\\#"<>^`{|}'):
        raise Refusal(FetchCode.ADDRESS_MALFORMED)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refusal(FetchCode.ADDRESS_MALFORMED) from error
    if "@" in parts.netloc:
        raise Refusal(FetchCode.ADDRESS_WITH_CREDENTIALS)
    if not parts.hostname or "%" in parts.netloc or parts.netloc.endswith(":") or port == 0:
        raise Refusal(FetchCode.ADDRESS_MALFORMED)


def is_public(text: str) -> bool:
    """Return whether an IP address, as the resolver gives it, leads to a server on the Internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in _INSIDE_A_CLOUD)
    return _is_public_ipv6(address)


def _is_name(host: str) -> bool:
    """Return whether this is the name of a host, with a dot, in ASCII and lower case.

    The last label begins with a letter, so that no spelling of an IPv4 address in numbers is a name.
    """
    labels = host.split(".") if len(host) <= MAX_NAME_LENGTH else []
    return len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and labels[-1][0].isalpha()


def _is_public_ipv6(address: IPv6Address) -> bool:
    if address.scope_id or address not in _PUBLIC_IPV6 or any(address in net for net in _NOT_PUBLIC_IPV6):
        return False
    return address.packed[8:12] not in _ISATAP
