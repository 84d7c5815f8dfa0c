"""Proposals of acts that one person cannot do alone, and the decisions on them."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from clients.acts import proposals as acts
from clients.models import Issuer, Proposal, Scope
from clients.models.policy import About
from portal.forms.proposals import CONFIRM, DECLINE, ProposalForm
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


def carry_out(request: Request, found: Proposal, form: ProposalForm) -> str:
    """Carry out the decision, and return a sentence about it. Raises Refusal."""
    told = {"proposal": found, "reason": form.cleaned_data["reason"], "by": actor(request), "now": request.now}
    if form.cleaned_data["act"] == CONFIRM:
        acts.confirm(**told)
        return _("Confirmed and carried out.")
    if form.cleaned_data["act"] == DECLINE:
        acts.decline(**told)
        return _("Declined: everything stays as it is.")
    acts.withdraw(**told)
    return _("Withdrawn: everything stays as it is.")
