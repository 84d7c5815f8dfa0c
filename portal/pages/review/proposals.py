"""Pages of proposals, which a second person confirms."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.acts import proposals as acts
from clients.models import Proposal
from portal.flows.proposals import carry_out
from portal.forms.proposals import ProposalForm
from portal.guards.access import security_team
from portal.guards.refusals import refusals_to
from portal.ui import proposed_changes
from portal.web.http_request import Request, posted

MAX_DECIDED = 20  # the newest ones


@security_team
@require_safe
def proposals(request: Request) -> HttpResponse:
    """List the waiting proposals, and the last decided ones."""
    waiting, now = list(Proposal.objects.waiting(request.now)), request.now
    shown = ("proposed_by", "program", "decided_by", "client", "scope", "issuer", "api")
    decided = Proposal.objects.over(now).select_related(*shown)[:MAX_DECIDED]
    context = {
        "for_you": [proposed_changes.row(found, now) for found in waiting if acts.may_decide(found, request.user)],
        "yours": [proposed_changes.row(found, now) for found in waiting if not acts.may_decide(found, request.user)],
        "decided": [proposed_changes.row(found, now) for found in decided],
    }
    return render(request, "security/proposals.html", context)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def proposal(request: Request, uid: UUID) -> HttpResponse:
    found = _proposal(uid)
    form = ProposalForm(posted(request))
    status = 422 if form.errors else 200
    if form.is_valid():
        with refusals_to(form):
            messages.success(request, carry_out(request, found, form))
            return redirect("security:proposals")
        found, status = _proposal(uid), 409
    context = {
        "back": {"url": reverse("security:proposals"), "label": _("Back to the proposals")},
        "proposal": found, "row": proposed_changes.row(found, request.now),
        "affected": proposed_changes.affected(found),
        "form": form, "may_decide": acts.may_decide(found, request.user),
        "out_of_date": found.state(request.now) == Proposal.Outcome.WAITING and acts.is_out_of_date(found),
    }  # fmt: skip
    return render(request, "security/proposal.html", context, status=status)


def _proposal(uid: UUID) -> Proposal:
    found = Proposal.objects.select_related("proposed_by", "program", "decided_by", "client", "scope__api", "issuer")
    return get_object_or_404(found, uid=uid)
