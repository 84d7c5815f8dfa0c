"""Cards of the incident page about a leak: owner, rights, use by address, and contacts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from clients.models import Client
from portal.forms.reason import IncidentForm
from portal.ui.token_list import credential_names, network_uses, reach
from tokens.acts.leaks import Leak, addresses
from tokens.models import CredentialUse


def card(leak: Leak, now: datetime, number: int) -> dict[str, Any]:
    """Return the card of a leak. `number` makes the ids of its fields unique on the page."""
    client, tokens = leak.client, leak.tokens()
    credential = getattr(leak.subject, "credential", "")
    return {
        "leak": leak,
        "title": title(leak),
        "works": leak.works(now),
        "can_be_revoked": leak.can_be_revoked(now),
        "buttons": buttons(leak, now),
        "only_way": leak.is_only_way(now),
        "scopes": reach(client),
        "use": CredentialUse.objects.filter(credential=credential).first() if credential else None,
        "live_tokens": tokens.live(now).count(),
        "addresses": addresses(leak),
        "networks": network_uses(client, credential),
        "contacts": client.contacts.select_related("user").order_by("-role", "user__email"),
        "issued_to": _issued_to(leak),
        "anchor": f"found-{number}",
        "form": IncidentForm(auto_id=f"id_{number}_%s"),
    }


def buttons(leak: Leak, now: datetime) -> list[tuple[str, str]]:
    """Return the acts that are possible on a leak, with the words on their buttons; none on a closed client."""
    if leak.client.status == Client.Status.CLOSED:
        return []
    possible = {
        "revoke": leak.can_be_revoked(now), "tokens": True, "everything": _has_way_in(leak.client, now),
        "suspend": leak.client.is_active,
    }  # fmt: skip
    words = {
        "revoke": _revoke_words(leak),
        "tokens": _("Invalidate all tokens of the client"),
        "everything": _("End all its keys, secrets, trusts and tokens"),
        "suspend": _("Suspend the client"),
    }
    return [(name, words[name]) for name, is_possible in possible.items() if is_possible]


def _revoke_words(leak: Leak) -> str:
    if leak.token:
        return _("Invalidate this token")
    return _("Revoke this key and its tokens") if leak.key else _("Revoke this secret and its tokens")


def title(leak: Leak) -> str:
    """Return a title with the client and the kind of the leak; a key id stands beside it, letter by letter."""
    name = {"name": leak.client.name}
    if leak.secret:
        return _("The client secret of %(name)s that ends in %(hint)s") % {**name, "hint": leak.secret.hint}
    if leak.key:
        return _("A key of %(name)s") % name
    if leak.trust:
        return _("A trust of %(name)s in tokens of an issuer") % name
    if leak.token:
        return _("An access token of %(name)s") % name
    return _("The client %(name)s") % name


def _has_way_in(client: Client, now: datetime) -> bool:
    lasting = (
        client.keys.usable(now), client.secrets.usable(now), client.trusts.not_ended(now),
        client.jwks_uris.filter(ends_at=None),
    )  # fmt: skip
    return any(rows.exists() for rows in lasting)


def _issued_to(leak: Leak) -> str:
    """Return the credential that a token was issued to."""
    if not leak.token:
        return ""
    return credential_names(leak.client).get(leak.token.credential, leak.token.credential)
