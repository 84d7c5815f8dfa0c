"""The time line of a credential, and the credential of a client that ends first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from clients.models import Client, Key, Secret, Trust
from portal.ui.client_health import of_key, of_secret
from portal.ui.rotation import Uses
from portal.ui.svg import percent_passed
from portal.ui.token_list import of_trust


@dataclass(frozen=True)
class Line:
    """Credential on a time line; `start`, `end` and `now` in percent of it."""

    name: str
    used: str
    state: str
    end_at: datetime | None
    start: float
    end: float
    now: float


def line_of(name: str, used: str, state: str, start: datetime, end: datetime | None, now: datetime) -> Line:
    """Return the time line of a credential, from start to end; one without an end is half over, and open."""
    passed = percent_passed(start, end, now) if end else 50.0
    return Line(name, used, state, end, 0.0, 100.0, passed)


def next_end(
    client: Client, keys: Iterable[Key], secrets: Iterable[Secret], trusts: Iterable[Trust], uses: Uses, now: datetime
) -> Line | None:
    """Return the credential that ends first among those that work or will work; None without any."""
    lines = []
    for key in keys:
        if key.state(now) not in (Key.State.RETIRED, Key.State.EXPIRED):
            card = of_key(key, uses, now)
            lines.append(line_of(key.label or card.title, card.used, card.line_state, card.start_at, card.end_at, now))
    for secret in secrets if client.accepts_secrets else ():
        if secret.works(now):
            name = secret.label or _("Client secret, ends in %(hint)s") % {"hint": secret.hint}
            shown = of_secret(secret, uses, now)
            lines.append(line_of(name, shown.used, shown.state, secret.created_at, secret.end_at, now))
    for trust in trusts:
        if trust.works(now):
            row = of_trust(trust, uses, now)
            name = trust.label or trust.issuer.name
            lines.append(line_of(name, row.used, row.state, trust.added_at, trust.end_at, now))
    return min(lines, key=lambda one: (one.end_at is None, one.end_at or now), default=None)
