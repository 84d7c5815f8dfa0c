"""Acts of contacts on a client that nobody uses: keep it, or undo its suspension (docs/decisions/0032)."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clients.acts import unused as acts
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request


@contact
@require_POST
def keep(request: Request, uid: UUID) -> HttpResponse:
    """Keep the client as if it had been used today."""
    client = client_of(request, uid)
    with refusals_to(request):
        acts.keep(client=client, by=actor(request), now=request.now)
        messages.success(request, _("The client stays active."))
    return redirect("contact:client", uid)


@contact
@require_POST
def undo(request: Request, uid: UUID) -> HttpResponse:
    """Reactivate a client that was suspended because nobody used it."""
    client = client_of(request, uid)
    with refusals_to(request):
        acts.undo(client=client, by=actor(request), now=request.now)
        messages.success(request, _("The client is active again. Your software needs a new token."))
    return redirect("contact:client", uid)
