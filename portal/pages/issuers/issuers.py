"""Issuers: which there are, what was found of their keys, and what two people change about them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clients.acts.federation import issuers as acts
from clients.acts.four_eyes import NeedsColleague
from clients.models import Issuer, Proposal
from clients.refusal_codes import FetchCode
from foundation.dispatch import wake
from foundation.refusals import Refusal
from portal.explanations.sentences import problem_of, skipped_keys
from portal.flows.proposals import propose
from portal.forms.reason import ReasonForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.pages.issuers.issuer_forms import ChangeIssuerForm, NewIssuerForm
from portal.web.http_request import Request, posted

SWITCHES = {
    "enable": (Proposal.Kind.ISSUER_ENABLED, acts.enable),
    "disable": (Proposal.Kind.ISSUER_DISABLED, acts.disable),
}


@security_team
@require_safe
def issuers(request: Request) -> HttpResponse:
    in_use = Q(trusts__ends_at=None) | Q(trusts__ends_at__gt=request.now)
    found = Issuer.objects.annotate(trusting=Count("trusts__client", filter=in_use, distinct=True))
    shown = [{"issuer": issuer, "problem": problem_of(issuer.keys_problem)} for issuer in found]
    return render(request, "security/issuers.html", {"issuers": shown})


@security_team
@require_safe
def issuer(request: Request, uid: UUID) -> HttpResponse:
    found = get_object_or_404(Issuer, uid=uid)
    context = {
        "issuer": found,
        "skipped": skipped_keys(found.skipped),
        "problem": problem_of(found.keys_problem),
        "trusting": acts.trusting(found, request.now).count(),
        "proposals": Proposal.objects.waiting(request.now).filter(issuer=found),
    }
    return render(request, "security/issuer.html", context)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def create_issuer(request: Request) -> HttpResponse:
    """Add an issuer, which is disabled until a colleague confirms that it is enabled."""
    form = NewIssuerForm(posted(request))
    if form.is_valid():
        with refusals_to(form) as told:
            made = acts.create(**form.cleaned_data, by=actor(request), now=request.now)
            messages.success(request, _("Added. Look at its keys, then propose to enable it."))
            return redirect("security:issuer", made.uid)
        _forget_private(form, told.refusal)
    return _form_page(request, form, title=_("Add an issuer"), submit=_("Add the issuer"))


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def change_issuer(request: Request, uid: UUID) -> HttpResponse:
    found = get_object_or_404(Issuer, uid=uid)
    initial = {"audience": found.audience, "max_lifetime": found.max_lifetime}
    form = ChangeIssuerForm(posted(request), initial=initial)
    if found.pasted_keys is None:
        del form.fields["jwks"]
    if form.is_valid():
        content: dict[str, Any] = {"jwks": None, **form.cleaned_data}
        reason = content.pop("reason")
        try:
            with refusals_to(form) as told:
                acts.change(issuer=found, **content, reason=reason, by=actor(request), now=request.now)
            _forget_private(form, told.refusal)
        except NeedsColleague:
            return propose(request, Proposal.Kind.ISSUER_CHANGED, found, reason=reason, content=content)
    title = _("Change the issuer %(name)s") % {"name": found.name}
    return _form_page(request, form, title=title, submit=_("Propose it to a colleague"), issuer=found)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def switch_issuer(request: Request, uid: UUID, act: str) -> HttpResponse:
    """Propose to enable or to disable an issuer."""
    found, form = get_object_or_404(Issuer, uid=uid), ReasonForm(posted(request))
    if act not in SWITCHES:
        raise Http404
    if found.is_enabled is (act == "enable"):
        return redirect("security:issuer", uid)
    if form.is_valid():
        reason, (kind, carry_out) = form.cleaned_data["reason"], SWITCHES[act]
        try:
            with refusals_to(request):
                carry_out(issuer=found, reason=reason, by=actor(request), now=request.now)
        except NeedsColleague:
            return propose(request, kind, found, reason=reason)
        return redirect("security:issuer", uid)
    trusting = acts.trusting(found, request.now).count()
    context = {"issuer": found, "act": act, "trusting": trusting, "form": form}
    return render(request, "security/switch_issuer.html", context, status=422 if form.errors else 200)


@security_team
@require_POST
def fetch_issuer(request: Request, uid: UUID) -> HttpResponse:
    """Have the worker fetch the keys now."""
    found = get_object_or_404(Issuer, uid=uid)
    wake(acts.FETCH, found.pk)
    messages.success(request, _("The keys are fetched within seconds, at most once a minute. Reload this page then."))
    return redirect("security:issuer", uid)


def _forget_private(form: ChangeIssuerForm, refusal: Refusal | None) -> None:
    """Send no private key back that was pasted among the public ones."""
    if refusal is not None and refusal.code == FetchCode.KEY_SET_PRIVATE:
        form.data = {name: form.data[name] for name in form.data} | {"jwks": ""}


def _form_page(
    request: Request, form: ChangeIssuerForm, *, title: str, submit: str, issuer: Issuer | None = None
) -> HttpResponse:
    context = {"form": form, "title": title, "submit": submit, "issuer": issuer}
    return render(request, "security/issuer_form.html", context, status=422 if form.errors else 200)
