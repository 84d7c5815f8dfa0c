"""Proposals of acts that one person of the Security team cannot do alone."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from clients.acts import proposals as acts
from clients.models import Issuer, Proposal, Scope
from clients.models.policy import About
from portal.guards.access import actor
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request

NOTHING: Mapping[str, Any] = {}  # beyond what the kind says


def propose(
    request: Request,
    kind: Proposal.Kind,
    about: About | Scope | Issuer,
    *,
    reason: str,
    content: Mapping[str, Any] = NOTHING,
) -> HttpResponse:
    """Propose an act, and redirect to the page of the proposal."""
    with refusals_to(request):
        made = acts.propose(kind=kind, about=about, content=content, reason=reason, by=actor(request), now=request.now)
        messages.success(request, _("Proposed. Nothing changes until a colleague confirms."))
        return redirect("security:proposal", made.uid)
    return redirect("security:proposals")
