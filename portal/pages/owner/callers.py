"""Acts of an owner on the callers of an API: detach one, write to all."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.acts import api_callers
from portal.guards.access import actor, api_of, api_owner
from portal.guards.refusals import refusals_to
from portal.pages.owner.forms import DetachForm, WriteForm
from portal.web.http_request import Request, posted


@api_owner
@require_http_methods(["GET", "HEAD", "POST"])
def detach(request: Request, identifier: str, uid: UUID) -> HttpResponse:
    """Take the scopes of the API from a client."""
    api = api_of(request, identifier)
    client, form = get_object_or_404(api_callers.callers(api), uid=uid), DetachForm(posted(request))
    if form.is_valid():
        with refusals_to(form):
            api_callers.detach(
                client=client, api=api, reason=form.cleaned_data["reason"], by=actor(request), now=request.now
            )
            messages.success(request, _("%(name)s is detached. Its contacts get a mail.") % {"name": client.name})
            return redirect("owner:api", identifier)
    scopes = client.client_scopes.filter(scope__api=api).select_related("scope").order_by("scope__name")
    context = {"api": api, "client": client, "scopes": scopes, "form": form}
    return render(request, "owner/detach.html", context, status=422 if form.errors else 200)


@api_owner
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: Request, identifier: str) -> HttpResponse:
    """Write to the contacts of all callers."""
    api, form = api_of(request, identifier), WriteForm(posted(request))
    if form.is_valid():
        data = form.cleaned_data
        with refusals_to(form):
            api_callers.write(api=api, subject=data["subject"], text=data["text"], by=actor(request), now=request.now)
            messages.success(request, _("The contacts of your callers get the mail."))
            return redirect("owner:api", identifier)
    context = {
        "api": api, "form": form, "total": api_callers.callers(api).count(), "limit": api_callers.MAILS_A_DAY
    }  # fmt: skip
    return render(request, "owner/write.html", context, status=422 if form.errors else 200)
