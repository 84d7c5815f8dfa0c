"""The client secret: reveal, regenerate, end, or turn off. A page shows it once, right after a POST."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.access.guarded_acts import Act
from clients.acts.credentials import client_secrets
from clients.acts.credentials.client_secrets import OVERLAPS
from clients.models import Client, Secret
from portal.flows.tokens import end_tokens
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.pages.credentials import secret_once
from portal.pages.credentials.secret_forms import RegenerateForm, TokensForm
from portal.ui import client_health
from portal.ui.token_list import users_of
from portal.web.http_request import Request, posted
from tokens.models import CredentialUse


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def reveal_secret(request: Request, uid: UUID) -> HttpResponse:
    client = client_of(request, uid)
    secret = client.secrets.current().first()
    if request.method != "POST" or secret is None:
        return redirect("contact:credentials", uid)
    require(request, Act.REVEAL_SECRET, client)
    with refusals_to(request):
        return secret_once.show(request, secret, client_secrets.view(secret=secret, by=actor(request), now=request.now))
    return redirect("contact:credentials", uid)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def regenerate_secret(request: Request, uid: UUID) -> HttpResponse:
    """Regenerate the secret, or make the first one. Of two concurrent POSTs of the same page, one wins."""
    client = client_of(request, uid)
    current = client.secrets.current().first()
    form = RegenerateForm(posted(request), now=request.now, initial={"replaces": current.uid if current else None})
    if current is None:
        del form.fields["overlap"], form.fields["tokens"]
    if form.is_valid():
        require(request, Act.REGENERATE_SECRET, client)
        with refusals_to(request):
            return _regenerate(request, client, form)
        return redirect("contact:credentials", uid)
    context = {"client": client, "current": current, "form": form, "contacts": client.contacts.select_related("user")}
    return render(request, "contact/regenerate_secret.html", context, status=422 if form.errors else 200)


def _regenerate(request: Request, client: Client, form: RegenerateForm) -> HttpResponse:
    seen = form.cleaned_data["replaces"]
    replaces = get_object_or_404(client.secrets, uid=seen) if seen else None
    overlap, _label = OVERLAPS[form.cleaned_data.get("overlap", "0")]
    text = client_secrets.regenerate(
        client=client, replaces=replaces, overlap=overlap, by=actor(request), now=request.now
    )
    if replaces and form.cleaned_data["tokens"]:
        end_tokens(request, replaces)
    return secret_once.show(request, client.secrets.current().get(), text, replaced=replaces)


@contact
@require_safe
def shown_secret(request: Request, uid: UUID) -> HttpResponse:
    """Show the secret once, right after a reveal or a regeneration; otherwise tell that it is hidden again."""
    client = client_of(request, uid)
    shown = secret_once.shown(request, client)
    context = {"client": client, "shown": shown, "current": client.secrets.current().first(), "now": request.now}
    return secret_once.delete_cookie(render(request, "contact/secret.html", context))


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def end_secret(request: Request, uid: UUID, secret: UUID) -> HttpResponse:
    client = client_of(request, uid)
    found: Secret = get_object_or_404(client.secrets, uid=secret)
    if not found.works(request.now):
        messages.info(request, _("This secret had stopped working already."))
        return redirect("contact:credentials", uid)
    form = TokensForm(posted(request))
    if not form.is_valid():
        line = client_health.of_secret(found, CredentialUse.objects.of(client).in_bulk(), request.now)
        context = {"client": client, "secret": found, "line": line, "form": form, "users": users_of(found, request.now)}
        return render(request, "contact/end_secret.html", context, status=422 if form.errors else 200)
    require(request, Act.END_SECRET, client)
    with refusals_to(request):
        client_secrets.end(secret=found, by=actor(request), now=request.now)
        messages.success(request, _("The secret that ends in %(hint)s no longer works.") % {"hint": found.hint})
        if form.cleaned_data["tokens"]:
            end_tokens(request, found)
    return redirect("contact:credentials", uid)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def secret_authentication(request: Request, uid: UUID) -> HttpResponse:
    """Turn secrets off or on; the form tells which, so that a second click does not undo the first."""
    client = client_of(request, uid)
    if request.method != "POST":
        return render(request, "contact/secret_authentication.html", _what_would_stop(client, request))
    require(request, Act.CHANGE_SECRET_AUTHENTICATION, client)
    allowed = request.POST.get("allowed") == "true"
    with refusals_to(request):
        client_secrets.set_allowed(client=client, allowed=allowed, by=actor(request), now=request.now)
        done = _("The client can authenticate with a secret again.") if allowed else _("Secrets no longer work here.")
        messages.success(request, done)
    return redirect("contact:credentials", uid)


def _what_would_stop(client: Client, request: Request) -> dict[str, object]:
    secrets, uses = list(client.secrets.usable(request.now)), CredentialUse.objects.of(client).in_bulk()
    users = {address for secret in secrets for address in users_of(secret, request.now)}
    lines = [client_health.of_secret(secret, uses, request.now) for secret in secrets]
    return {"client": client, "lines": lines, "users": sorted(users)}
