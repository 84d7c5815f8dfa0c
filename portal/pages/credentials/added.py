"""Additions of the client itself: end one, pause them or turn them on again (API M-12)."""

from datetime import datetime
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clients.access.guarded_acts import Act
from clients.acts.credentials import self_service as acts
from clients.acts.credentials.ways_in import credential_of, others_work
from clients.models import Key, Secret, Trust
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.ui.client_health import used_words
from portal.ui.staff_names import staff_addresses
from portal.ui.token_list import credential_name, users_of
from portal.web.http_request import Request, posted
from tokens.acts import unwanted
from tokens.models import CredentialUse


class EndAddedForm(forms.Form):
    pause = forms.BooleanField(
        label=gettext_lazy("Let the client add nothing by itself until one of us turns that on again"),
        required=False,
        initial=True,
    )


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def end_added(request: Request, uid: UUID, credential: UUID) -> HttpResponse:
    """Show a key or secret that the client added, and end it by POST. Mails about such an addition lead here."""
    client = client_of(request, uid)
    found = credential_of(client, credential)
    if found is None:
        raise Http404
    form = EndAddedForm(posted(request))
    if form.is_valid():
        require(request, Act.END_ADDED, client)
        with refusals_to(request):
            unwanted.end_added(credential=found, pause=form.cleaned_data["pause"], by=actor(request), now=request.now)
            messages.success(request, _("It no longer works, and neither do its tokens."))
        return redirect("contact:client", uid)
    context = {
        "client": client,
        "credential": found,
        "name": credential_name(found),
        "added_at": found.created_at if isinstance(found, Secret) else found.added_at,
        "added_by": found.created_by if isinstance(found, Secret) else found.added_by,
        "used": used_words(CredentialUse.objects.filter(credential=found.credential).first(), request.now),
        "users": users_of(found, request.now),
        "has_ended": _has_ended(found, request.now),
        "is_last": not others_work(client, found, request.now),
        "form": form,
        "staff": staff_addresses(),
    }
    return render(request, "contact/end_added.html", context)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def self_service(request: Request, uid: UUID) -> HttpResponse:
    """Pause what the client adds by itself, or turn it on; the form tells which, so a second click undoes nothing."""
    client = client_of(request, uid)
    if request.method != "POST":
        return render(request, "contact/self_service.html", {"client": client})
    require(request, Act.CHANGE_SELF_SERVICE, client)
    on = request.POST.get("on") == "true"
    with refusals_to(request):
        acts.turn(client=client, on=on, by=actor(request), now=request.now)
        done = _("The client can add keys and secrets by itself again.")
        messages.success(request, done if on else _("The client adds nothing by itself any more."))
    return redirect("contact:client", uid)


def _has_ended(credential: Key | Secret | Trust, now: datetime) -> bool:
    return credential.state(now) in (Key.State.RETIRED, Secret.State.ENDED, Trust.State.ENDED)
