"""All credentials of a client on one time line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clients.models import Client, Key, Secret, Trust
from portal.ui.client_health import of_key, of_secret
from portal.ui.rotation import Uses
from portal.ui.token_list import credential_name, of_trust

MAX_SIDE = timedelta(days=365)  # to either side of today
MIN_AFTER_TODAY = timedelta(days=90)


@dataclass(frozen=True)
class Line:
    """Credential on the time line of its client; `start`, `end` and `now` in percent of it."""

    name: str
    used: str
    state: str
    end_at: datetime | None
    start: float
    end: float
    now: float


def lines(
    client: Client,
    keys: Iterable[Key],
    secrets: Iterable[Secret],
    trusts: Iterable[Trust],
    uses: Uses,
    now: datetime,
) -> list[Line]:
    """Return the credentials that work or will work, the first to end on top."""
    over = (Key.State.RETIRED, Key.State.EXPIRED)
    cards = [of_key(key, uses, now) for key in keys if key.state(now) not in over]
    rows = [(card.title, card.used, card.line_state, card.start_at, card.end_at) for card in cards]
    for secret in secrets if client.accepts_secrets else ():
        if secret.works(now):
            shown, name = of_secret(secret, uses, now), _("Client secret, ends in %(hint)s") % {"hint": secret.hint}
            rows.append((name, shown.used, shown.state, secret.created_at, secret.end_at))
    for trust in trusts:
        if trust.works(now):
            card = of_trust(trust, uses, now)
            rows.append((credential_name(trust), card.used, card.state, trust.added_at, trust.end_at))
    return _on_one_scale(sorted(rows, key=lambda row: (row[4] is None, row[4] or now)), now)


def _on_one_scale(rows: list[tuple[str, str, str, datetime, datetime | None]], now: datetime) -> list[Line]:
    if not rows:
        return []
    left = max(min(start for *_row, start, _end in rows), now - MAX_SIDE)
    right = min(max([now + MIN_AFTER_TODAY, *(end for *_row, end in rows if end)]), now + MAX_SIDE)

    def percent(at: datetime) -> float:
        return 100 * (min(max(at, left), right) - left) / (right - left)

    return [
        Line(name, used, state, end, percent(start), percent(end) if end else 100.0, percent(now))
        for name, used, state, start, end in rows
    ]
