"""Something leaked: find out whose it is, see what it can do, and revoke it. The pasted value is never sent back."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clients.models import Client
from portal import kept, leaks
from portal.access import actor, security_team
from portal.forms.reason import ReasonAndMessageForm
from portal.request import Request, posted
from portal.staff_search import has_id
from tokens import incident as incidents
from tokens.invalidation import UnableToRevoke
from tokens.models import CredentialUse, Token

FOUND = "found"


class LeakForm(forms.Form):
    value = forms.CharField(
        label=gettext_lazy("The leaked secret or token"),
        help_text=gettext_lazy(
            "Paste it, or the header or line that it stands in. We compare its SHA-256 and keep nothing of it."
        ),
        max_length=4096,
        # A password field: what was typed is not sent back in the page, and browsers do not offer it again.
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "kd-mono"}),
    )

    def clean_value(self) -> str:
        try:
            return leaks.value_in(self.cleaned_data["value"])
        except leaks.SeveralLeaks:
            raise ValidationError(_("There are several secrets or tokens in this. Paste them one at a time.")) from None


@sensitive_post_parameters("value")
@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def incident(request: Request) -> HttpResponse:
    form = LeakForm(posted(request))
    if form.is_valid():
        value = form.cleaned_data["value"]
        leak = incidents.look_up(value=value, by=actor(request), now=request.now)
        named = None if leak else _named(value)
        kept_of_it = {
            "leak": leak.reference if leak else "",
            "cut_off": leaks.is_cut_off(value),
            "named": str(named.uid) if named else "",
        }
        return redirect(f"{request.path}?{FOUND}={kept.keep(request, FOUND, kept_of_it, seconds=600)}")
    found = kept.get(request, FOUND, request.GET.get(FOUND, "")) if request.method != "POST" else None
    context = {"form": form, "searched": bool(found), **(_found(found, request) if found else {})}
    return render(request, "security/incident.html", context, status=422 if form.errors else 200)


def _found(found: dict[str, Any], request: Request) -> dict[str, object]:
    """The answer to a look-up, from what was kept of it; the value itself is nowhere."""
    if leak := incidents.by_reference(found["leak"]):
        return {"cut_off": found["cut_off"], **_findings(leak, request)}
    named = Client.objects.filter(uid=found["named"]).first() if found["named"] else None
    return {"cut_off": found["cut_off"], "named": named}


def _named(value: str) -> Client | None:
    """The client whose client id was pasted."""
    return Client.objects.filter(has_id(value)).first() if leaks.CLIENT_ID.fullmatch(value) else None


def _findings(leak: incidents.Leak, request: Request) -> dict[str, object]:
    """What it is, whether it works, and what it could do."""
    facts: dict[str, object] = {"leak": leak, "works": leak.works(request.now), "act_form": ReasonAndMessageForm()}
    if leak.secret is not None:
        live = Token.objects.of(leak.client).live(request.now).issued_to(leak.secret.credential)
        facts |= {
            "scopes": " ".join(leak.client.scopes.order_by("name").values_list("name", flat=True)),
            "use": CredentialUse.objects.filter(credential=leak.secret.credential).first(),
            "live_tokens": live.count(),
            "only_way": not leak.client.keys.usable(request.now).exists(),
        }
    return facts


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_leak(request: Request) -> HttpResponse:
    """Asks why, then revokes; the page that named the leak posts here."""
    if request.method != "POST":
        return redirect("incident")
    leak, form = incidents.by_reference(request.POST.get("leak", "")), ReasonAndMessageForm(request.POST)
    if leak is None:
        raise Http404
    if not form.is_valid():
        return render(request, "security/revoke_leak.html", {"leak": leak, "form": form}, status=422)
    try:
        incidents.revoke(
            leak=leak, reason=form.cleaned_data["reason"], message=form.cleaned_data["message"], by=actor(request),
            now=request.now,
        )  # fmt: skip
    except UnableToRevoke as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("Revoked. The contacts of %(name)s get a mail.") % {"name": leak.client.name})
    return redirect("staff_client", leak.client.uid)
