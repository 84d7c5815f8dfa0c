"""The label of a key or secret: what its owners call it."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.acts.credentials import labels
from clients.acts.credentials.ways_in import credential_of
from portal.forms.fields import label_field
from portal.guards.access import actor, client_of, contact
from portal.ui.token_list import credential_name
from portal.web.http_request import Request, posted


class LabelForm(forms.Form):
    label = label_field()


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def label(request: Request, uid: UUID, credential: UUID) -> HttpResponse:
    """Change the label of one key or secret."""
    client = client_of(request, uid)
    named = credential_of(client, credential)
    if named is None:
        raise Http404
    form = LabelForm(posted(request), initial={"label": named.label})
    if form.is_valid():
        label = " ".join(form.cleaned_data["label"].split())
        if labels.change(credential=named, label=label, by=actor(request), now=request.now):
            messages.success(request, _("The label is changed."))
        return redirect("contact:credentials", uid)
    context = {"client": client, "name": credential_name(named), "form": form}
    return render(request, "contact/label.html", context, status=422 if form.errors else 200)
