"""Pages of the Security team to end a client's tokens, or one key or secret with its tokens."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.flows import mail_previews
from portal.forms.reason import CaseForm, IncidentForm
from portal.guards.access import actor, client_of_anybody, security_team
from portal.guards.refusals import refusals_to
from portal.pages.incident import cards
from portal.web.http_request import Request, posted
from tokens.acts import invalidation
from tokens.acts.incident import evidence_in, revoke
from tokens.acts.leaks import Leak


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def staff_invalidate_tokens(request: Request, uid: UUID) -> HttpResponse:
    client, form = client_of_anybody(uid), CaseForm(posted(request))
    if form.is_valid():
        told = {name: form.cleaned_data[name] for name in ("reason", "message")}
        evidence = evidence_in(client, form.cleaned_data["case"])
        invalidation.invalidate_all(client=client, **told, evidence=evidence, by=actor(request), now=request.now)
        messages.success(request, _("No token that was issued before now works any more."))
        return redirect("security:client", uid)
    mails = mail_previews.of_invalidating(request, Leak(client), "")
    context = {"client": client, "form": form, "mails": mails}
    return render(request, "security/invalidate_tokens.html", context, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def staff_retire_key(request: Request, uid: UUID, key: UUID) -> HttpResponse:
    found = get_object_or_404(client_of_anybody(uid).keys.select_related("client"), uid=key)
    return _end(request, Leak(found))


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def staff_end_secret(request: Request, uid: UUID, secret: UUID) -> HttpResponse:
    found = get_object_or_404(client_of_anybody(uid).secrets.select_related("client"), uid=secret)
    return _end(request, Leak(found))


def _end(request: Request, leak: Leak) -> HttpResponse:
    """End a credential by the act of the incident page, where its value is not at hand."""
    form = IncidentForm(posted(request))
    if form.is_valid():
        with refusals_to(request):
            revoke(leak=leak, **form.cleaned_data, by=actor(request), now=request.now)
            messages.success(request, _("Revoked. The contacts of %(name)s get a mail.") % {"name": leak.client.name})
            case = {"case": form.cleaned_data["case"]}
            return redirect(reverse("security:incident_report", args=[leak.client.uid], query=case))
        return redirect("security:client", leak.client.uid)
    mails = mail_previews.of_revoking(request, leak, "")
    context = {"card": cards.card(leak, request.now, 1), "client": leak.client, "form": form, "mails": mails}
    return render(request, "security/end_credential.html", context, status=422 if form.errors else 200)
