"""Policies on credentials: what is bounded where, and a change of it, whose victims are shown before it is proposed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit.log import SITE
from clients.models import Client, PolicyBound, Proposal
from clients.models.policy import About
from clients.policy.words import told
from portal.flows.proposals import propose
from portal.guards.access import security_team
from portal.pages.security.policy_forms import PolicyForm, ProposedPolicyForm
from portal.web.http_request import Request, posted
from tokens.acts.policy import preview as policy_preview

MAX_SHOWN = 200  # clients


@security_team
@require_safe
def policy(request: Request) -> HttpResponse:
    rows = PolicyBound.objects.select_related("client", "api").order_by("client__name", "api__name", "bound")
    context = {
        "rows": [_row(row) for row in rows],
        "form": PolicyForm(now=request.now),
    }
    return render(request, "security/policy.html", context)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def change_policy(request: Request) -> HttpResponse:
    """Show whom a bound would stop; a POST proposes it. A GET changes nothing, so its address can be passed on."""
    if request.method == "POST":
        form = ProposedPolicyForm(posted(request), now=request.now)
        if form.is_valid():
            content = {**form.wanted.content, "affected": policy_preview.affected(form.wanted, now=request.now)}
            reason = form.cleaned_data["reason"]
            return propose(request, Proposal.Kind.POLICY_CHANGED, form.wanted.about, reason=reason, content=content)
        asked: PolicyForm = PolicyForm(request.POST, now=request.now)
    else:
        asked, form = PolicyForm(request.GET or None, now=request.now), ProposedPolicyForm(request.GET, now=request.now)
    context: dict[str, Any] = {"asked": asked, "form": form if request.method == "POST" else None}
    if asked.is_valid():
        context |= _preview(asked, request) | {"hidden": form.hidden, "reason": form["reason"]}
    return render(request, "security/change_policy.html", context, status=422 if request.method == "POST" else 200)


def _preview(asked: PolicyForm, request: Request) -> dict[str, Any]:
    wanted = asked.wanted
    stopped = policy_preview.stopped(wanted, now=request.now)
    return {
        "wanted": wanted,
        "told": told(wanted.bound, wanted.value),
        "place": place(wanted.about),
        "stopped": stopped[:MAX_SHOWN],
        "count": len(stopped),
        "freed": len(policy_preview.affected(wanted, now=request.now)) if wanted.value is None else 0,
    }


def _row(row: PolicyBound) -> dict[str, object]:
    return {
        "row": row,
        "told": told(row.bound, row.value),
        "place": place(row.subject),
        "withdraw_url": withdraw_url(row),
    }


def withdraw_url(row: PolicyBound) -> str:
    """Return the address that proposes to withdraw a bound."""
    where = {"api": row.api.identifier} if row.api else {"client_id": row.client.client_id} if row.client else {}
    return f"{reverse('security:change_policy')}?{urlencode({'bound': row.bound, **where, 'withdraw': 'on'})}"


def place(about: About) -> str:
    if about == SITE:
        return _("The whole site")
    kind = _("Client %(name)s") if isinstance(about, Client) else _("Clients of the API %(name)s")
    return kind % {"name": about}
