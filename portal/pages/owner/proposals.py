"""Page of a webhook that an owner of an API proposed, for a second owner to confirm."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from clients.acts import proposals as acts
from clients.models import Proposal
from portal.flows.proposals import carry_out
from portal.forms.proposals import ProposalForm
from portal.guards.access import api_of, api_owner
from portal.guards.refusals import refusals_to
from portal.ui import proposed_changes
from portal.web.http_request import Request, posted


@api_owner
@require_http_methods(["GET", "HEAD", "POST"])
def proposal(request: Request, identifier: str, uid: UUID) -> HttpResponse:
    api = api_of(request, identifier)
    proposals = Proposal.objects.filter(api=api, kind=Proposal.Kind.WEBHOOK_ADDED)
    found = get_object_or_404(proposals.select_related("proposed_by", "decided_by", "api"), uid=uid)
    form = ProposalForm(posted(request))
    if form.is_valid():
        with refusals_to(form):
            messages.success(request, carry_out(request, found, form))
            return redirect("owner:api", identifier)
    context = {
        "back": {"url": reverse("owner:api", args=[identifier]), "label": api.name},
        "proposal": found, "row": proposed_changes.row(found, request.now),
        "affected": proposed_changes.affected(found), "form": form,
        "may_decide": acts.may_decide(found, request.user), "out_of_date": False,
    }  # fmt: skip
    return render(request, "security/proposal.html", context, status=422 if form.errors else 200)
