"""The numbers on the tabs of a client's pages: what each of them lists."""

from __future__ import annotations

from datetime import datetime

from clients.models import Client
from portal.explanations.refused_requests import last_24_hours
from portal.ui.client_page.credential_rows import OVER
from tokens.models import Token

MAX_COUNTED = 1000  # tokens; software that asks for one with each call has more


def tab_counts(client: Client, now: datetime) -> dict[str, int]:
    """Count the credentials that work or will work, the valid tokens, and what was refused in 24 hours."""
    keyed = [*client.keys.all(), *client.trusts.not_ended(now).select_related("issuer")]
    return {
        "credentials": sum(one.state(now) not in OVER for one in keyed) + client.secrets.usable(now).count(),
        "tokens": Token.objects.of(client).live(now)[:MAX_COUNTED].count(),
        "failures": last_24_hours([client], now).get(client.pk, {}).get("count", 0),
    }
