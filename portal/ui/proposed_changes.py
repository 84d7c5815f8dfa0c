"""Proposals in words: what would change, where, and the parties concerned."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.actions import FIELDS
from audit.log import SITE
from clients.acts.federation import issuers
from clients.models import Api, Client, Issuer, Proposal, Scope
from portal.ui import log_entries

MAX_NAMED = 200  # clients

STATES = {
    Proposal.Outcome.WAITING: "warn", Proposal.Outcome.CONFIRMED: "ok", Proposal.Outcome.DECLINED: "bad",
    Proposal.Outcome.WITHDRAWN: "mute", Proposal.Outcome.VOID: "mute",
}  # fmt: skip


def row(proposal: Proposal, now: datetime) -> dict[str, object]:
    """Return a proposal for a list and for its own page."""
    state = proposal.state(now)
    return {
        "proposal": proposal,
        "what": proposal.get_kind_display(),
        "about": _about(proposal),
        "about_url": _url(proposal),
        "state": STATES[state],
        "status": state.label,
        "waits": state == Proposal.Outcome.WAITING,
        "differences": differences(proposal),
    }


def _about(proposal: Proposal) -> str:
    if proposal.about != SITE:
        return str(proposal.about)
    return _("The whole site") if proposal.kind == Proposal.Kind.POLICY_CHANGED else proposal.named


def differences(proposal: Proposal) -> list[dict[str, object]]:
    """Return rows for the diff component: the change of the state at the time of the proposal."""
    shown: list[dict[str, object]] = [
        {"field": FIELDS[name], "before": log_entries.value(name, before), "after": log_entries.value(name, after)}
        for name in FIELDS
        if name in proposal.changes
        for before, after in [proposal.changes[name]]
    ]
    return [change for change in shown if change["before"] != change["after"]]


def affected(proposal: Proposal) -> dict[str, object]:
    """Return the parties concerned: a client's contacts and sensitive scopes, or the clients that hold a scope.

    Of a policy, the clients that it would stop.
    """
    if proposal.client is not None and proposal.kind != Proposal.Kind.POLICY_CHANGED:
        return {
            "sensitive": list(proposal.client.sensitive_scopes.order_by("name")),
            "contacts": proposal.client.contacts.select_related("user").order_by("role", "user__email"),
        }
    if proposal.issuer is not None:
        return {"trusting": issuers.trusting(proposal.issuer, timezone.now()).count()}
    if proposal.kind in (Proposal.Kind.OWNER_NAMED, Proposal.Kind.OWNER_REMOVED):
        return {"owners": True}
    if proposal.kind == Proposal.Kind.WEBHOOK_ADDED:
        return {"webhook": True}
    if proposal.kind in Proposal.OF_STAFF:
        return {"staff": proposal.kind}
    scope = proposal.about
    if proposal.kind == Proposal.Kind.POLICY_CHANGED:
        return {"policy": True, "clients": list(Client.objects.filter(pk__in=proposal.content["affected"])[:MAX_NAMED])}
    return {"holders": scope.holders.count() if isinstance(scope, Scope) else 0}


def _url(proposal: Proposal) -> str:
    about = proposal.about
    if isinstance(about, Issuer):
        return reverse("security:issuer", args=[about.uid])
    if isinstance(about, Client):
        return reverse("security:client", args=[about.uid])
    if proposal.kind == Proposal.Kind.WEBHOOK_ADDED and proposal.api is None:
        return reverse("security:notices")
    if proposal.kind in Proposal.OF_STAFF:
        return reverse("auditor:staff")
    return reverse("security:scopes") if isinstance(about, Scope | Api) else reverse("security:policy")
