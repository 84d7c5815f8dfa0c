"""Proposal to drop the second approval of a sensitive scope (portal/pages/review/proposals.py confirms it)."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from clients.models import Proposal, Scope
from portal.flows.proposals import propose
from portal.forms.reason import ReasonForm
from portal.guards.access import security_team
from portal.web.http_request import Request, posted


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def ease_scope(request: Request, pk: int) -> HttpResponse:
    scope, form = get_object_or_404(Scope, pk=pk), ReasonForm(posted(request))
    waiting = Proposal.objects.waiting(request.now).filter(scope=scope, kind=Proposal.Kind.SCOPE_EASED).first()
    if waiting is not None:
        return redirect("security:proposal", waiting.uid)
    if not scope.sensitive or scope.retired_at is not None:
        return redirect("security:scopes")
    if form.is_valid():
        return propose(request, Proposal.Kind.SCOPE_EASED, scope, reason=form.cleaned_data["reason"])
    context = {"scope": scope, "form": form}
    return render(request, "security/ease_scope.html", context, status=422 if form.errors else 200)
