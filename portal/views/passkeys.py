"""Passkeys of contacts who come often: they sign in with a touch, and need no mailed code before an act."""

from __future__ import annotations

from allauth.mfa.webauthn.internal import auth
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from clients import passkeys as acts
from portal.access import actor, contact
from portal.forms.passkeys import PasskeyForm
from portal.request import Request
from portal.step_up import passkeys_of, step_up_required


@contact
@require_safe
def passkeys(request: Request) -> HttpResponse:
    return render(request, "contact/passkeys.html", {"passkeys": passkeys_of(request.user), "now": request.now})


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required(gettext_lazy("Add a passkey"))
def add_passkey(request: Request) -> HttpResponse:
    """The step-up first, so that nobody's device keeps a passkey that we then refuse."""
    if request.method != "POST":
        return redirect("passkeys")
    posted = request.POST if "credential" in request.POST else None
    form = PasskeyForm(posted, user=request.user)
    if form.is_valid():
        _add(request, form)
        messages.success(request, _("The passkey is added. Use it to sign in, and instead of a mailed code."))
        return redirect("passkeys")
    context = {"form": form, "js_data": {"creation_options": auth.begin_registration(request.user, passwordless=True)}}
    return render(request, "contact/add_passkey.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _add(request: Request, form: PasskeyForm) -> None:
    name = form.cleaned_data["name"]
    auth.WebAuthn.add(request.user, name, form.cleaned_data["credential"])
    acts.note_added(user=request.user, name=name, by=actor(request), now=request.now)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required(gettext_lazy("Remove this passkey"))
def remove_passkey(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(passkeys_of(request.user), pk=pk)
    name = found.wrap().name
    if request.method != "POST":
        return render(request, "contact/remove_passkey.html", {"name": name})
    with transaction.atomic():
        found.delete()
        acts.note_removed(user=request.user, name=name, by=actor(request), now=request.now)
    messages.success(request, _("The passkey no longer signs you in."))
    return redirect("passkeys")
