"""The page for leaks: find the owner, see the rights, revoke. The pasted text is never sent back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clients.acts import lifecycle
from clients.keymaterial.traces import MAX_LENGTH
from portal.flows import leak_look_up, mail_previews, pasted_secret
from portal.forms.reason import IncidentForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.pages.incident import cards as incident_cards
from portal.web.http_request import Request, posted
from tokens.acts import incident as incidents
from tokens.acts import invalidation
from tokens.acts.leaks import Leak


class LeakForm(forms.Form):
    value = forms.CharField(
        label=gettext_lazy("What leaked"),
        help_text=gettext_lazy(
            "Paste it as you found it: a secret, a token, a private key, a certificate, a client assertion, or the"
            " header or line that it stands in; or a key id, a thumbprint, a serial number, the last 4 characters of a"
            " secret, or a client id. Nothing secret is kept: we compare digests, and of a private key its public half."
        ),
        max_length=MAX_LENGTH,
        # A password field, because its value is not sent back in the page, and browsers do not offer it again.
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "kd-mono"}),
    )

    def clean_value(self) -> pasted_secret.Pasted:
        try:
            return pasted_secret.read(self.cleaned_data["value"])
        except pasted_secret.SeveralLeaks:
            raise ValidationError(
                _("There are several secrets, tokens or keys in this. Paste them one at a time.")
            ) from None


@sensitive_post_parameters("value")
@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def incident(request: Request) -> HttpResponse:
    form = LeakForm(posted(request))
    if form.is_valid():
        return redirect(leak_look_up.look_up(request, form.cleaned_data["value"]))
    answer = leak_look_up.answer(request) if request.method != "POST" else None
    context = {"form": form, "searched": bool(answer), **(_answered(answer, request) if answer else {})}
    return render(request, "security/incident.html", context, status=422 if form.errors else 200)


def _answered(answer: dict[str, Any], request: Request) -> dict[str, object]:
    """Show the result of a look-up from the session, which does not hold the pasted text."""
    found = [incidents.by_reference(reference, is_signed=is_signed) for reference, is_signed in answer["found"]]
    cards = [incident_cards.card(leak, request.now, number) for number, leak in enumerate(filter(None, found), start=1)]
    return {"cards": cards, "nobody": answer["nobody"], "mails": _mails(request, *cards)}


def _mails(request: Request, *cards: dict[str, Any]) -> list[mail_previews.Preview]:
    """Return the mails of the acts on the only card; several are listed without acts."""
    if len(cards) != 1:
        return []
    (card,) = cards
    return [mail for name, words in card["buttons"] for mail in ACTS[name].mails(request, card["leak"], words)]


# --- The acts -------------------------------------------------------------------------------------------------------
def _revoke(leak: Leak, told: dict[str, Any]) -> str:
    incidents.revoke(leak=leak, **told)
    return _("Revoked. The contacts of %(name)s get a mail.")


def _end_all_tokens(leak: Leak, told: dict[str, Any]) -> str:
    invalidation.invalidate_all(client=leak.client, **_with_evidence(leak, told))
    return _("No token of %(name)s that was issued before now works any more.")


def _end_everything(leak: Leak, told: dict[str, Any]) -> str:
    incidents.revoke_all(client=leak.client, **told)
    return _("All that let %(name)s in has ended. Its contacts get a mail.")


def _suspend(leak: Leak, told: dict[str, Any]) -> str:
    lifecycle.suspend(client=leak.client, **_with_evidence(leak, told))
    return _("%(name)s is suspended.")


def _with_evidence(leak: Leak, told: dict[str, Any]) -> dict[str, Any]:
    """Return what an act on the whole client takes: instead of the case, all that its entry keeps."""
    evidence = incidents.evidence_of(leak, told["case"])
    return {name: value for name, value in told.items() if name != "case"} | {"evidence": evidence}


@dataclass(frozen=True)
class Act:
    """`carry_out` returns a sentence about it; `question` is the title of its page; `mails` shows what it sends."""

    carry_out: Callable[[Leak, dict[str, Any]], str]
    question: str | Promise
    mails: Callable[[Request, Leak, str | Promise], list[mail_previews.Preview]]


ACTS = {  # by the name of the button (cards.buttons)
    "revoke": Act(_revoke, gettext_lazy("Revoke what leaked?"), mail_previews.of_revoking),
    "tokens": Act(
        _end_all_tokens, gettext_lazy("Invalidate all tokens of this client?"), mail_previews.of_invalidating
    ),
    "everything": Act(
        _end_everything, gettext_lazy("End all keys, secrets and tokens of this client?"), mail_previews.of_revoking_all
    ),
    "suspend": Act(_suspend, gettext_lazy("Suspend this client?"), mail_previews.of_suspending),
}


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_leak(request: Request) -> HttpResponse:
    """Carry out an act of a card; a page of its own asks for a missing reason."""
    if request.method != "POST":
        return redirect("security:incident")
    leak, act = _named(request.POST)
    form = IncidentForm(request.POST)
    if not form.is_valid():
        title, what = ACTS[act].question, incident_cards.title(leak)
        mails = ACTS[act].mails(request, leak, title)
        context = {"leak": leak, "act": act, "title": title, "what": what, "form": form, "mails": mails}
        return render(request, "security/revoke_leak.html", context, status=422)
    with refusals_to(request):
        done = ACTS[act].carry_out(leak, {**form.cleaned_data, "by": actor(request), "now": request.now})
        messages.success(request, done % {"name": leak.client.name})
        case = {"case": form.cleaned_data["case"]}
        return redirect(reverse("security:incident_report", args=[leak.client.uid], query=case))
    return redirect("security:client", leak.client.uid)


def _named(data: QueryDict) -> tuple[Leak, str]:
    """Return the act asked for and its object. Raises Http404."""
    leak, act = incidents.by_reference(data.get("leak", "")), data.get("act", "")
    if leak is None or act not in ACTS:
        raise Http404
    return leak, act
