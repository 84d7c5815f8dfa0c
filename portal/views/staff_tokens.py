"""The Security team ends every token of a client."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import actor, security_team
from portal.forms.reason import ReasonForm
from portal.request import Request, posted
from portal.views.staff_client import client_of_anybody
from tokens import invalidation


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def staff_invalidate_tokens(request: Request, uid: UUID) -> HttpResponse:
    client, form = client_of_anybody(uid), ReasonForm(posted(request))
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        invalidation.invalidate_all(client=client, reason=reason, by=actor(request), now=request.now)
        messages.success(request, _("All tokens of this client have stopped working. New ones work."))
        return redirect("staff_client", uid)
    context = {"client": client, "form": form}
    return render(request, "security/invalidate_tokens.html", context, status=422 if form.errors else 200)
