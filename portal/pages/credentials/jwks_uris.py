"""The address at which a client publishes its keys: typed, looked up by the worker, seen, and confirmed."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clients.access.guarded_acts import Act
from clients.acts.federation import jwks_uris as acts
from clients.models import Client, JwksUri
from portal.explanations.sentences import problem_of, skipped_keys
from portal.forms.fields import BoundedText, no_secret
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.web.http_request import Request, posted

CONFIRM = "seen"  # what the button that confirms posts: the edit tag of the keys that were shown


class AddressForm(forms.Form):
    url = BoundedText(
        label=gettext_lazy("Address of the keys"),
        max_length=512,
        validators=[no_secret],
        help_text=gettext_lazy("An https address that answers with a JSON Web Key Set and that only you decide about."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "class": "kd-mono", "inputmode": "url"}),
    )


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def jwks_uri(request: Request, uid: UUID) -> HttpResponse:
    """Show the address of a client and what was found there; take a new one, and the word that it is right."""
    client = client_of(request, uid)
    row = client.jwks_uris.filter(ends_at=None).first()
    if row is not None and request.method == "POST" and CONFIRM in request.POST:
        require(request, Act.ADD_JWKS_URI, client)
        with refusals_to(request):
            acts.confirm(jwks_uri=row, seen=request.POST[CONFIRM], by=actor(request), now=request.now)
            messages.success(request, _("The keys are added. From now on the client follows this address."))
            return redirect("contact:credentials", uid)
        return redirect("contact:jwks_uri", uid)
    form = AddressForm(posted(request))
    if form.is_valid():
        with refusals_to(form, "url"):
            acts.look_up(client=client, url=form.cleaned_data["url"], by=actor(request), now=request.now)
            return redirect("contact:jwks_uri", uid)
    return _page(request, client, row, form)


def _page(request: Request, client: Client, row: JwksUri | None, form: AddressForm) -> HttpResponse:
    context = {
        "client": client,
        "row": row,
        "form": form,
        "skipped": skipped_keys(row.skipped) if row else [],
        "problem": problem_of(row.problem) if row else "",
        "keys": client.keys.filter(jwks_uri=row).shown() if row else [],
    }
    return render(request, "contact/jwks_uri.html", context, status=422 if form.errors else 200)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def remove_jwks_uri(request: Request, uid: UUID) -> HttpResponse:
    client = client_of(request, uid)
    row = client.jwks_uris.filter(ends_at=None).first()
    if row is None:
        return redirect("contact:credentials", uid)
    if request.method == "POST":
        require(request, Act.REMOVE_JWKS_URI, client)
        with refusals_to(request):
            acts.remove(jwks_uri=row, by=actor(request), now=request.now)
            messages.success(request, _("The address is removed."))
        return redirect("contact:credentials", uid)
    count = client.keys.usable(request.now).filter(jwks_uri=row).count()
    return render(request, "contact/remove_jwks_uri.html", {"client": client, "row": row, "count": count})
