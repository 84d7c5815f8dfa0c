"""Settings of this installation about what may be fetched."""

from django.conf import settings

from clients.federation import addresses
from clients.federation.addresses import Address
from clients.federation.fetch import Fetcher


def fetcher() -> Fetcher:
    return Fetcher(settings.FEDERATION_ALLOWED_HOSTS, settings.FEDERATION_CA_FILE)


def check_address(url: str) -> Address:
    """Return the parts of an address that may be fetched from here. Raises Refusal."""
    return addresses.parse(url, allowed_hosts=settings.FEDERATION_ALLOWED_HOSTS)
