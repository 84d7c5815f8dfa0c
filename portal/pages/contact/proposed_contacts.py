"""Page for an owner to accept or decline a contact proposed by the Security team, for clients with sensitive scopes."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.access.guarded_acts import Act
from clients.acts import proposals as acts
from clients.models import ClientContact, Proposal
from portal.guards.access import actor, client_owned_by, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.web.http_request import Request

ACCEPT, DECLINE = "accept", "decline"


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def proposed_contact(request: Request, uid: UUID, proposal: UUID) -> HttpResponse:
    client, act = client_owned_by(request, uid), request.POST.get("act", "")
    found = get_object_or_404(Proposal.objects.for_owners_of(client, request.now), uid=proposal)
    if act not in (ACCEPT, DECLINE):
        if request.method == "POST":
            return redirect(request.path)
        role = ClientContact.Role(found.content["role"]).label
        return render(request, "contact/proposed_contact.html", {"client": client, "proposal": found, "role": role})
    if act == ACCEPT:
        require(request, Act.ACCEPT_CONTACT, client)
    with refusals_to(request):
        messages.success(request, _decided(request, found, act))
    return redirect("contact:contacts", uid)


def _decided(request: Request, found: Proposal, act: str) -> str:
    """Carry out the decision, and return a sentence about it. Raises Refusal."""
    if act == ACCEPT:
        acts.confirm(proposal=found, by=actor(request), now=request.now)
        return _("Accepted. All contacts get an e-mail.")
    acts.decline(proposal=found, by=actor(request), now=request.now)
    return _("Declined: nothing changes.")
