"""The live tokens of a client or credential and its networks, for tables; names of credentials, and cards of trusts."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clients.expiry import EXPIRY_NOTICE
from clients.models import Client, Key, Secret, Trust
from portal.ui.client_health import Counts, expires_in, used_words
from portal.ui.rotation import Uses
from tokens.acts.uses import evidence
from tokens.models import Token


def shown_tokens(client: Client, now: datetime, *, limit: int) -> list[dict[str, object]]:
    """Return the newest live tokens, as components/tokens_table.html wants them."""
    names = {key.credential: f"{key.get_kind_display()} {key.kid[:12]}…" for key in client.keys.all()}
    names |= {secret.credential: _("Secret …%(hint)s") % {"hint": secret.hint} for secret in client.secrets.all()}
    names |= {trust.credential: credential_name(trust) for trust in client.trusts.select_related("issuer")}
    return [
        {
            "id": token.jti,
            "label": f"…{token.ending}",
            "issued_at": token.issued_at,
            "expires_at": token.expires_at,
            "scope": token.scope,
            "credential": names.get(token.credential, token.credential),
            "address": token.address or "",
        }
        for token in Token.objects.of(client).live(now)[:limit]
    ]


def users_of(credential: Key | Secret | Trust, now: datetime) -> list[str]:
    """Return the addresses that hold a live token of the credential, and would be affected by its end."""
    live = Token.objects.of(credential.client).live(now).issued_to(credential.credential)
    addresses = live.order_by("address").values_list("address", flat=True).distinct()[:10]
    return [address for address in addresses if address]


def credential_names(client: Client) -> dict[str, str]:
    """Return the name of each credential that the client has or had, ended ones too, by its `credential`."""
    own: list[Key | Secret | Trust] = [*client.keys.all(), *client.secrets.all()]
    own += client.trusts.select_related("issuer")
    return {credential.credential: credential_name(credential) for credential in own}


def network_uses(client: Client, credential: str = "") -> list[dict[str, object]]:
    """Return the rows of components/network_uses.html for the client, or for one of its credentials."""
    names = credential_names(client)
    uses = evidence.of_client(client, credential)
    return [{"use": use, "name": names.get(use.credential, use.credential)} for use in uses]


def reach(client: Client) -> list[dict[str, object]]:
    """Return the rows of security/reachable_scopes.html: what tokens give access to, sensitive scopes first."""
    language = get_language() or "en"
    scopes = client.scopes.select_related("api").order_by("-sensitive", "name")
    return [{"scope": scope, "description": scope.described_in(language)} for scope in scopes]


def credential_name(credential: Key | Secret | Trust) -> str:
    if isinstance(credential, Trust):
        return _("Trust in %(name)s") % {"name": credential.audit_label}
    if isinstance(credential, Key):
        return f"{credential.get_kind_display()} {credential.kid}"
    return _("Secret …%(hint)s") % {"hint": credential.hint}


TRUST_STATES = {Trust.State.ACTIVE: "ok", Trust.State.DISABLED: "bad", Trust.State.EXPIRED: "bad"}


@dataclass(frozen=True)
class TrustCard:
    """A trust as the client's page lists it."""

    trust: Trust
    title: str
    state: str
    status: str
    used: str
    tokens: int  # valid now
    is_near_its_end: bool  # it can be extended


def of_trust(trust: Trust, uses: Uses, now: datetime, tokens: Counts | None = None) -> TrustCard:
    state = trust.state(now)
    colour, status = TRUST_STATES.get(state, "mute"), str(Trust.State(state).label)
    if state == Trust.State.ACTIVE and trust.end_at and trust.end_at <= now + EXPIRY_NOTICE:
        colour, status = "warn", expires_in(trust.end_at, now)
    return TrustCard(
        trust=trust,
        title=trust.title,
        state=colour,
        status=status,
        used=used_words(uses.get(trust.credential), now),
        tokens=(tokens or {}).get(trust.credential, 0),
        is_near_its_end=trust.is_near_its_end(now),
    )
