"""Passkeys of contacts: sign-in without a mailed link, and step-up without a mailed code."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.access.guarded_acts import Act
from clients.authentication import passkeys as acts
from portal.forms.passkeys import PasskeyForm
from portal.guards.access import actor, contact
from portal.guards.step_up import may_ask_for_step_up, passkeys_of, require
from portal.sign_in.allauth_internals import WebAuthn, begin_registration
from portal.web import kept_forms
from portal.web.http_request import Request, posted

NEW = "new"  # permission to add one passkey, for ten minutes


@contact
@require_safe
def passkeys(request: Request) -> HttpResponse:
    return render(request, "contact/passkeys.html", {"passkeys": passkeys_of(request.user), "now": request.now})


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def add_passkey(request: Request) -> HttpResponse:
    """Redirect to the form after a step-up, so that no device stores a passkey that we then refuse."""
    if request.method != "POST":
        return redirect("contact:passkeys")
    require(request, Act.ADD_PASSKEY)
    return redirect(f"{resolve_url('contact:new_passkey')}?{NEW}={kept_forms.keep(request, NEW, {}, seconds=600)}")


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def new_passkey(request: Request) -> HttpResponse:
    """Show the form for a passkey, only after the step-up of `add_passkey`."""
    name = request.GET.get(NEW, "")
    if kept_forms.get(request, NEW, name) is None:
        return redirect("contact:passkeys")
    form = PasskeyForm(posted(request), user=request.user)
    if form.is_valid():
        _add(request, form)
        kept_forms.drop(request, name)
        messages.success(request, _("The passkey is added. Use it to sign in, and instead of a mailed code."))
        return redirect("contact:passkeys")
    context = {"form": form, "js_data": {"creation_options": begin_registration(request.user, passwordless=True)}}
    return render(request, "contact/add_passkey.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _add(request: Request, form: PasskeyForm) -> None:
    name = form.cleaned_data["name"]
    WebAuthn.add(request.user, name, form.cleaned_data["credential"])
    acts.note_added(user=request.user, name=name, by=actor(request), now=request.now)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def remove_passkey(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(passkeys_of(request.user), pk=pk)
    name = found.wrap().name  # type: ignore[no-untyped-call]  # allauth has no annotations
    if request.method != "POST":
        return render(request, "contact/remove_passkey.html", {"name": name})
    require(request, Act.REMOVE_PASSKEY)
    with transaction.atomic():
        found.delete()
        acts.note_removed(user=request.user, name=name, by=actor(request), now=request.now)
    messages.success(request, _("The passkey no longer signs you in."))
    return redirect("contact:passkeys")
