"""The credentials of a client as the rows of its page: name, kind, id, last use, end; and what unfolds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.acts.credentials.trusts import pins_as_text
from clients.acts.people import sightings
from clients.acts.people.sightings import Sighting
from clients.expiry import EXPIRY_NOTICE
from clients.models import Client, Key, Secret, Trust
from portal.ui.client_health import Counts, KeyCard, SecretLine, of_key, of_secret
from portal.ui.client_page.time_line import Line, line_of
from portal.ui.dates import ago, days_left
from portal.ui.rotation import Rotation, Uses
from portal.ui.token_list import TrustCard, of_trust
from tokens.models import CredentialUse, Token, UsageDetail

NETWORKS_OF = timedelta(days=30)
MAX_NETWORKS = 4  # of one credential
OVER = (Key.State.RETIRED, Key.State.EXPIRED, Trust.State.EXPIRED)

Networks = list[dict[str, Any]]  # network, uses, first, last; the most used first


@dataclass(frozen=True)
class CredentialRow:
    """A key, secret or trust; `kind` is "key", "secret" or "trust", `card` what the pages say of it."""

    kind: str
    credential: Key | Secret | Trust
    card: KeyCard | SecretLine | TrustCard
    name: str
    made_of: str  # kind and size, in words
    shown_id: str
    added_at: datetime
    added_by: str
    end_at: datetime | None
    ends: str  # in how long, in words
    line: Line
    use: CredentialUse | None
    networks: Networks
    seen: list[Sighting] = field(default_factory=list)  # of a secret
    pins: list[str] = field(default_factory=list)  # claims that a trust asks for

    @property
    def seen_by(self) -> list[str]:
        """The contacts who viewed or made the secret."""
        return [one.user.shown_to_contacts for one in self.seen if one.is_contact]

    @property
    def known_outside(self) -> list[Sighting]:
        """The sightings of people who are no contacts any more, of a secret that nothing replaces yet."""
        return [one for one in self.seen if not one.is_contact and not self.is_ending]

    @property
    def is_ending(self) -> bool:
        return isinstance(self.credential, Secret) and self.credential.ends_at is not None

    @property
    def most_used(self) -> int:
        return max((row["uses"] for row in self.networks), default=0)


@dataclass(frozen=True)
class Known:
    """Everything about a client's credentials that their rows need, loaded in a fixed number of queries."""

    uses: Uses
    tokens: Counts
    networks: Mapping[str, Networks]
    seen: Mapping[str, list[Sighting]]
    rotation: Rotation | None
    now: datetime


def known(client: Client, uses: Uses, rotation: Rotation | None, now: datetime) -> Known:
    return Known(
        uses=uses,
        tokens=Token.objects.of(client).live(now).counted(),
        networks=_networks(client, now),
        seen=sightings.of_client(client),
        rotation=rotation,
        now=now,
    )


def rows(keys: Sequence[Key], secrets: Sequence[Secret], trusts: Sequence[Trust], about: Known) -> list[CredentialRow]:
    """Return the credentials that work or will work: keys, secrets, trusts, in the order given."""
    in_use = [key for key in keys if key.state(about.now) not in OVER]
    return [
        *(_of_key(key, about) for key in in_use),
        *(_of_secret(secret, about) for secret in secrets if secret.works(about.now)),
        *(_of_trust(trust, about) for trust in trusts if trust.state(about.now) not in OVER),
    ]


def _networks(client: Client, now: datetime) -> dict[str, Networks]:
    recent = UsageDetail.objects.filter(client=client, day__gt=(now - NETWORKS_OF).date(), uses__gt=0).order_by()
    used = recent.exclude(network="").values("credential", "network")
    found: dict[str, Networks] = defaultdict(list)
    for row in used.annotate(total=Sum("uses"), first=Min("first_at"), last=Max("last_at")).order_by("-total"):
        found[row["credential"]].append({**row, "uses": row["total"]})
    return {credential: networks[:MAX_NETWORKS] for credential, networks in found.items()}


def _of_key(key: Key, about: Known) -> CredentialRow:
    card = of_key(key, about.uses, about.now, about.tokens, about.rotation)
    name = key.label or key.own_name or card.title
    line = line_of(name, card.used, card.line_state, card.start_at, key.end_at, about.now)
    return CredentialRow(
        kind="key", credential=key, card=card, name=name, made_of=key.made_of, shown_id=key.kid, added_at=key.added_at,
        added_by=key.added_by, end_at=key.end_at, ends=ends_in(key.end_at, about.now),
        line=line, use=about.uses.get(key.credential),
        networks=about.networks.get(key.credential, []),
    )  # fmt: skip


def _of_secret(secret: Secret, about: Known) -> CredentialRow:
    card = of_secret(secret, about.uses, about.now, about.tokens, about.rotation)
    name = secret.label or (_("Client secret") if card.is_current else _("Old client secret"))
    line = line_of(name, card.used, card.state, secret.created_at, secret.end_at, about.now)
    return CredentialRow(
        kind="secret", credential=secret, card=card, name=name, made_of=_("Client secret"), shown_id=f"…{secret.hint}",
        added_at=secret.created_at, added_by=secret.created_by, end_at=secret.end_at,
        ends=ends_in(secret.end_at, about.now), line=line,
        use=about.uses.get(secret.credential), networks=about.networks.get(secret.credential, []),
        seen=about.seen.get(secret.audit_id, []),
    )  # fmt: skip


def _of_trust(trust: Trust, about: Known) -> CredentialRow:
    card = of_trust(trust, about.uses, about.now, about.tokens)
    made_of = _("Trust in %(name)s") % {"name": trust.issuer.name}
    name = trust.label or trust.issuer.name
    line = line_of(name, card.used, card.state, trust.added_at, trust.end_at, about.now)
    return CredentialRow(
        kind="trust", credential=trust, card=card, name=name, made_of=made_of, shown_id=trust.subject,
        added_at=trust.added_at, added_by=trust.added_by, end_at=trust.end_at,
        ends=ends_in(trust.end_at, about.now), line=line,
        use=about.uses.get(trust.credential), networks=about.networks.get(trust.credential, []),
        pins=pins_as_text(trust.claims),
    )  # fmt: skip


def ends_in(end: datetime | None, now: datetime) -> str:
    """Say in how long something ends, in days as the warnings count them once it is soon; nothing without an end."""
    if end is None or not now < end <= now + EXPIRY_NOTICE:
        return ago(end, now) if end else ""
    days = days_left(end, now)
    return ngettext("in %(days)s day", "in %(days)s days", days) % {"days": days}
