"""Evidence of use: the networks from which the credentials of a client were used, read from the daily counts.

A network is an IPv4 address or a /64 (PROTOCOL C-41). The rows outlive the tokens and the end of the credential:
they are kept for settings.USAGE_KEPT.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Min, Sum

from clients.models import Client
from foundation.ip_addresses import network, wide_network
from tokens.models import UsageDetail, UsageDetailQuerySet

MAX_SHOWN = 100  # rows


@dataclass(frozen=True)
class NetworkUse:
    """Use of a credential from a network.

    `network` is "" if it is unknown, and tokens.protocol.traits.OTHER for those beyond the bound of a day.
    """

    network: str
    credential: str  # "key:5", "secret:3"
    uses: int  # accepted HTTP requests
    issued: int  # tokens
    refused: int  # HTTP requests
    first: datetime
    last: datetime

    def __str__(self) -> str:
        return f"{self.network or '-'} ({self.issued}, {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d})"


def proven() -> UsageDetailQuerySet:
    """Return the counts of HTTP requests whose credential was proven, refused ones included."""
    return UsageDetail.objects.exclude(credential="")


def from_address(address: str) -> UsageDetailQuerySet:
    """Return the counts that an address belongs to, those of its /24 or /48 included."""
    return UsageDetail.objects.filter(network__in={network(address), wide_network(address)})


def of_client(client: Client, credential: str = "") -> list[NetworkUse]:
    """Return where the client's credentials, or one of them, were used from, the most recent use first."""
    rows = proven().filter(client=client)
    if credential:
        rows = rows.filter(credential=credential)
    counted = rows.values("network", "credential").annotate(
        sum_uses=Sum("uses"), sum_issued=Sum("issued"), sum_refused=Sum("refused"),
        first=Min("first_at"), last=Max("last_at"),
    )  # fmt: skip
    in_order = counted.order_by("-last", "network", "credential")[:MAX_SHOWN]
    return [
        NetworkUse(
            row["network"], row["credential"], row["sum_uses"], row["sum_issued"], row["sum_refused"],
            row["first"], row["last"],
        )
        for row in in_order
    ]  # fmt: skip
