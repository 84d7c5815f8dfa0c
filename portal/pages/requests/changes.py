"""A change request: other scopes or another name, with the same review as a new client."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.acts import client_requests
from clients.models import Scope
from portal.forms.requests import ChangeForm, filled_from
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request, posted


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def propose_change(request: Request, uid: UUID) -> HttpResponse:
    client = client_of(request, uid)
    if request.method != "POST" and (waiting := client.registrations.open().first()):
        # Shown instead of a form that would be refused.
        messages.info(request, _("A request about this client is being reviewed. Wait for it, or withdraw it first."))
        return redirect("contact:request", waiting.uid)
    form = ChangeForm(posted(request), scopes=Scope.objects.offered(client.scopes.all()), initial=filled_from(client))
    if form.is_valid():
        content = form.content(contact_name=str(request.user), contact_email=request.user.email)
        with refusals_to(form):
            asked = client_requests.propose_change(client=client, content=content, by=actor(request), now=request.now)
            messages.success(request, _("Your request is with the Security team. Nothing changes until they approve."))
            return redirect("contact:request", asked.uid)
    context = {"client": client, "form": form}
    return render(request, "contact/propose_change.html", context, status=422 if form.errors else 200)
