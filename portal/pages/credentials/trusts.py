"""Trusts: read a sample token, see what would be accepted, add the trust; remove one (PROTOCOL F-36)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clients.access.guarded_acts import Act
from clients.acts.credentials import trusts
from clients.models import Client, Issuer, Trust
from clients.pinned_claims import candidates, proposed, value_at
from foundation.refusals import Refusal
from portal.explanations import explain
from portal.explanations.sentences import in_words
from portal.explanations.trusts import OF_WARNINGS
from portal.forms.fields import label_field
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.ui.dates import day
from portal.ui.token_list import users_of
from portal.web import kept_forms
from portal.web.http_request import Request, posted
from tokens.acts import dry_run
from tokens.acts.federation import trusts as removal
from tokens.policy import from_settings
from tokens.protocol.errors import InvalidClient, Refused, Rule

SAMPLE = "sample"  # kind of a kept sample: its claims and findings, never the token
# With these the token says nothing about the issuer; any other finding may be of this one token, such as its age.
NOT_OF_THE_ISSUER = {
    Rule.ASSERTION_TOO_LARGE, Rule.ASSERTION_FORM, Rule.ASSERTION_ENCRYPTED, Rule.ASSERTION_DUPLICATE_MEMBER,
    Rule.FEDERATED_ISSUER, Rule.FEDERATED_SUBJECT, Rule.SIGNATURE, Rule.ALGORITHM, Rule.ALGORITHM_NOT_OF_KEY,
}  # fmt: skip


MAX_SHOWN = 200  # characters of a value


class SampleForm(forms.Form):
    """Issuer and sample token. The token is read and forgotten; a page never has it again."""

    issuer = forms.ModelChoiceField(
        Issuer.objects.none(), label=gettext_lazy("Issuer"), to_field_name="uid", widget=forms.RadioSelect,
        empty_label=None,         error_messages={"required": gettext_lazy("Choose the issuer of the token.")},
    )  # fmt: skip
    token = forms.CharField(
        label=gettext_lazy("Sample token"),
        help_text=gettext_lazy(
            "A token that the issuer made for your software, with our issuer as audience unless the list above names "
            "another one. We do not keep it, only what it says, for an hour and for you alone."
        ),
        max_length=64 * 1024,
        widget=forms.Textarea(
            attrs={"class": "kd-mono", "rows": 8, "spellcheck": "false", "autocomplete": "off", "maxlength": None}
        ),
        error_messages={"required": gettext_lazy("Paste a token of the issuer.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        enabled = Issuer.objects.enabled()
        self.fields["issuer"].queryset = enabled  # type: ignore[attr-defined]  # of a field of choices
        self.hints = {"issuer": {str(issuer.uid): _in_short(issuer) for issuer in enabled}}

    def forget(self) -> None:
        """Leave the token out of the page that shows the form again."""
        self.data = {"issuer": self.data.get("issuer", "")}


def _in_short(issuer: Issuer) -> str:
    return _("%(url)s, audience %(audience)s, tokens of at most %(n)s seconds") % {
        "url": issuer.url,
        "audience": issuer.audience or from_settings().issuer,
        "n": number_format(issuer.max_lifetime, force_grouping=True),
    }


class TrustForm(forms.Form):
    """Claims of the sample token that the trust asks for; the immutable ones are ticked."""

    pins = forms.MultipleChoiceField(
        label=gettext_lazy("Which claims must be the same in every token?"),
        help_text=gettext_lazy(
            "The issuer and the subject always must. Tick what never changes, not what differs in every run."
        ),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    label = label_field()
    seen = forms.CharField(required=False, max_length=500, widget=forms.HiddenInput)  # warnings that were shown

    def __init__(self, *args: Any, claims: Mapping[str, Any], warned: list[str] | None = None, **kwargs: Any) -> None:
        kwargs["initial"] = {"pins": proposed(claims), "seen": " ".join(warned or [])}
        super().__init__(*args, **kwargs)
        self.claims = claims
        self.fields["pins"].choices = [  # type: ignore[attr-defined]  # of a field of choices
            (name, f"{name}: {as_text(value_at(claims, name)[1])}") for name in candidates(claims)
        ]

    def show_as_seen(self, warned: list[str]) -> None:
        """Carry the warnings of the page that shows the form again: sent once more, it is meant so."""
        data = cast(QueryDict, self.data).copy()
        data["seen"] = " ".join(warned)
        self.data = data

    def pinned(self) -> dict[str, Any]:
        return {name: value_at(self.claims, name)[1] for name in self.cleaned_data["pins"]}


def as_text(value: object) -> str:
    """Return a value as text; a text without its quotes."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def add_trust(request: Request, uid: UUID) -> HttpResponse:
    """Read a sample token, and keep its claims for the next page; changes nothing."""
    client = client_of(request, uid)
    form = SampleForm(posted(request))
    causes = []
    if form.is_valid():
        issuer = form.cleaned_data["issuer"]
        read = dry_run.of_sample(
            form.cleaned_data["token"], client=client, issuer=issuer, subject=None, claims={}, now=request.now
        )
        broken = [finding for finding in read.findings if finding.rule in NOT_OF_THE_ISSUER]
        if not broken:
            kept = {"client": str(uid), "issuer": str(issuer.uid), **_kept(read)}
            return redirect(f"{resolve_url('contact:confirm_trust', uid)}?{SAMPLE}={_keep(request, kept)}")
        form.add_error("token", _("This token cannot be used as a sample. The reasons stand below."))
        causes = _causes(broken)
    if form.errors:
        form.forget()
    context = {"client": client, "form": form, "causes": causes}
    return render(request, "contact/add_trust.html", context, status=422 if form.errors else 200)


def _keep(request: Request, kept: Mapping[str, Any]) -> str:
    return kept_forms.keep(request, SAMPLE, kept)


def _kept(read: dry_run.DryRun) -> dict[str, Any]:
    """Return what the next page needs: claims and findings. Header and signature stay behind."""
    findings = [(finding.rule.value, finding.facts) for finding in read.findings]
    return {"claims": dict(read.claims), "findings": findings}


def _causes(findings: Sequence[Refused]) -> list[Any]:
    return [explain(each.rule, each.facts, now_words=_("our clock now")) for each in findings]


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def confirm_trust(request: Request, uid: UUID) -> HttpResponse:
    """Show what the sample says and what would be accepted, and add the trust by POST."""
    client = client_of(request, uid)
    kept = kept_forms.get(request, SAMPLE, request.GET.get(SAMPLE, ""))
    if kept is None or kept["client"] != str(uid):
        return redirect("contact:add_trust", uid)
    issuer = get_object_or_404(Issuer, uid=kept["issuer"])
    form = TrustForm(posted(request), claims=kept["claims"], warned=_warnings(client, issuer, kept["claims"]))
    if not form.is_valid():
        return _confirm(request, client, issuer, kept, form)
    pins = form.pinned()
    given = {"client": client, "issuer": issuer, "subject": kept["claims"]["sub"], "claims": pins}
    new = [code for code in trusts.warnings(**given) if code not in form.cleaned_data["seen"].split()]
    if new:
        form.add_error("pins", _("Without these claims others may get such a token. Read why, and choose again."))
        return _confirm(request, client, issuer, kept, form, pins=pins)
    require(request, Act.ADD_TRUST, client)
    try:
        label = " ".join(form.cleaned_data["label"].split())
        trusts.add(**given, label=label, by=actor(request), now=request.now)
    except Refusal as refusal:
        form.add_error("pins", in_words(refusal).sentence)
        return _confirm(request, client, issuer, kept, form, pins=pins)
    kept_forms.drop(request, request.GET.get(SAMPLE, ""))
    messages.success(request, _("The trust is added. Send such a token with your client id as client_assertion."))
    return redirect("contact:credentials", uid)


def _warnings(
    client: Client, issuer: Issuer, claims: Mapping[str, Any], pins: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the warnings about a trust in the sample's subject; without `pins`, with the proposed ones."""
    chosen = {name: value_at(claims, name)[1] for name in proposed(claims)} if pins is None else pins
    return trusts.warnings(client=client, issuer=issuer, subject=str(claims.get("sub", "")), claims=chosen)


def _confirm(
    request: Request,
    client: Client,
    issuer: Issuer,
    kept: Mapping[str, Any],
    form: TrustForm,
    pins: Mapping[str, Any] | None = None,
) -> HttpResponse:
    claims = kept["claims"]
    warned = _warnings(client, issuer, claims, pins)
    if form.is_bound:
        form.show_as_seen(warned)
    findings = [InvalidClient(Rule(rule), **facts) for rule, facts in kept["findings"]]
    context = {
        "client": client,
        "issuer": issuer,
        "ours": from_settings().issuer,
        "form": form,
        "subject": claims.get("sub", ""),
        "claims": [(name, as_text(value)) for name, value in claims.items()],
        "warnings": [OF_WARNINGS[code] for code in warned],
        "causes": _causes(findings),
    }
    return render(request, "contact/confirm_trust.html", context, status=422 if form.errors else 200)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def extend_trust(request: Request, uid: UUID, trust: UUID) -> HttpResponse:
    """Extend a trust near its end by POST; by GET lead to where that is offered."""
    client = client_of(request, uid)
    found = get_object_or_404(client.trusts, uid=trust)
    if request.method == "POST":
        require(request, Act.EXTEND_TRUST, client)
        with refusals_to(request):
            row = trusts.extend(trust=found, by=actor(request), now=request.now)
            messages.success(request, _extended(row))
    return redirect(f"{resolve_url('contact:credentials', uid)}#trust-{trust}")


def _extended(row: Trust) -> str:
    if row.expires_at is None:
        return _("The trust is extended, and has no end date any more.")
    return _("The trust is extended until %(day)s. Nothing changes in your software.") % {"day": day(row.expires_at)}


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def remove_trust(request: Request, uid: UUID, trust: UUID) -> HttpResponse:
    """Ask, and remove a trust by POST, with the tokens that it got."""
    client = client_of(request, uid)
    found = get_object_or_404(client.trusts.select_related("issuer"), uid=trust)
    if request.method != "POST":
        users = users_of(found, request.now)
        return render(request, "contact/remove_trust.html", {"client": client, "trust": found, "users": users})
    require(request, Act.REMOVE_TRUST, client)
    with refusals_to(request):
        removal.remove(trust=found, by=actor(request), now=request.now)
        messages.success(request, _("The trust is removed, and its tokens have stopped working."))
    return redirect("contact:credentials", uid)
