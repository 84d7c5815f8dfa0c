"""A client, as the Security team sees it: the contacts' view, and the team's own acts."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from audit.actions import Action
from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.four_eyes import NeedsColleague
from clients.edit_tags import Stale
from clients.models import Api, Client, Key, Proposal, Scope
from portal.explanations.refused_requests import by_client, last_24_hours
from portal.flows import mail_previews
from portal.flows.proposals import propose
from portal.forms.client_lists import ScopesForm, SettingsForm, of_everybody
from portal.forms.edit_conflict import SeenForm, status_of
from portal.forms.failures import JournalForm
from portal.forms.reason import CaseForm
from portal.guards.access import actor, client_of_anybody, security_team
from portal.guards.refusals import refusals_to
from portal.pages.security import held_scopes
from portal.ui import client_health, field_rows, log_entries, usage_chart
from portal.ui.rotation import Uses
from portal.ui.token_list import network_uses, shown_tokens
from portal.web.http_request import Request, posted
from tokens.acts import incident as incidents
from tokens.models import CredentialUse

MAX_TOKENS, MAX_ENTRIES, MAX_NETWORKS = 20, 10, 5
NETWORKS_SHOWN = timedelta(days=90)  # from their first use on
JOURNAL_DAYS = 30  # refused HTTP requests are kept as long


@security_team
@require_safe
def staff_client(request: Request, uid: UUID) -> HttpResponse:
    client, now = client_of_anybody(uid), request.now
    keys, secrets = list(client.keys.shown()), list(client.secrets.usable(now).order_by("-created_at"))
    trusts = list(client.trusts.usable(now).shown())
    uses = CredentialUse.objects.of(client).in_bulk()
    over, tokens = (Key.State.RETIRED, Key.State.EXPIRED), shown_tokens(client, now, limit=MAX_TOKENS + 1)
    context = {
        "client": client,
        "rows": field_rows.rows(client, without=("client_name", "organisation")),
        "condition": client_health.of_client(client, keys, secrets, uses, now, trusts),
        "keys": [_key(key, uses, now) for key in keys if key.state(now) not in over],
        "old_keys": [client_health.of_key(key, uses, now) for key in keys if key.state(now) in over],
        "secrets": [client_health.of_secret(secret, uses, now) for secret in secrets],
        "signs_in_with": client_health.signs_in_with(client, keys, secrets, now, trusts),
        "scopes": client.client_scopes.select_related("scope").order_by("scope__name"),
        "serves": Api.objects.filter(served_by=client),
        "contacts": client.contacts.select_related("user__account").order_by("role", "user__email"),
        "registrations": client.registrations.order_by("-created_at"),
        "proposals": list(Proposal.objects.waiting(now).filter(client=client)),
        "recertification": client.recertifications.order_by("asked_at").last(),
        "tokens": tokens[:MAX_TOKENS],
        "more_tokens": len(tokens) > MAX_TOKENS,
        "shown": MAX_TOKENS,
        "networks": network_uses(client),
        "unknown_networks": client.networks.unknown().filter(first_at__gt=now - NETWORKS_SHOWN)[:MAX_NETWORKS],
        "entries": log_entries.rows(Entry.objects.of_client(client.audit_client)[:MAX_ENTRIES]),
        "usage": usage_chart.of_client(client, now),
        "refused_today": last_24_hours([client], now).get(client.pk, {}).get("count", 0),
        "acts": ACTS_OF.get(client.status, ()),
        "closed": client.status == Client.Status.CLOSED,
        "everybody": of_everybody(),
    }
    return render(request, "security/client.html", context)


def _key(key: Key, uses: Uses, now: datetime) -> dict[str, object]:
    """Return a key's card, and its JWK for software."""
    jwk = json.dumps(key.jwk, indent=2, ensure_ascii=False)
    return {"card": client_health.of_key(key, uses, now), "jwk": jwk}


@security_team
@require_safe
def client_journal(request: Request, uid: UUID) -> HttpResponse:
    """Show the client's refused HTTP requests by cause, as its contacts see them."""
    client = client_of_anybody(uid)
    form = JournalForm(request.GET, clients=[client])
    form.full_clean()
    if number := form.cleaned_data.get("request_id"):  # read out by a caller, it may be of another client's
        return redirect("public:why", number)
    shown = by_client([client], form.period(JOURNAL_DAYS, request.now), request.now)
    return render(
        request,
        "security/journal.html",
        {"client": client, "form": form, "day": form.chosen_day(), "shown": shown[0] if shown else None},
        status=422 if "request_id" in form.errors else 200,
    )


# --- Suspend, reactivate, close -------------------------------------------------------------------------------------
Act = Callable[..., None]

# act -> (the function that carries it out, its title, its button, its effect, the message afterwards)
ACTS: dict[str, tuple[Act, str | Promise, str | Promise, str | Promise, str | Promise]] = {
    "suspend": (
        lifecycle.suspend, gettext_lazy("Suspend %(name)s?"), gettext_lazy("Suspend the client"),
        gettext_lazy(
            "It gets no tokens, and those it has stop immediately. You can reactivate it; tokens issued before do not "
            "work again."
        ),
        gettext_lazy("%(name)s is suspended."),
    ),
    "reactivate": (
        lifecycle.reactivate, gettext_lazy("Reactivate %(name)s?"), gettext_lazy("Reactivate the client"),
        gettext_lazy("It gets tokens again with the keys and secrets it has. Tokens issued before do not work again."),
        gettext_lazy("%(name)s is active again."),
    ),
    "close": (
        lifecycle.close, gettext_lazy("Close %(name)s?"), gettext_lazy("Close the client for good"),
        gettext_lazy(
            "Its keys, secrets and tokens stop working immediately, and the client cannot be reopened. Its history "
            "stays."
        ),
        gettext_lazy("%(name)s is closed."),
    ),
}  # fmt: skip
MAILED_AS = {
    "suspend": Action.CLIENT_SUSPENDED, "reactivate": Action.CLIENT_REACTIVATED, "close": Action.CLIENT_CLOSED
}  # fmt: skip
ACTS_OF: dict[str, tuple[str, ...]] = {
    Client.Status.ACTIVE: ("suspend", "close"),
    Client.Status.SUSPENDED: ("reactivate", "close"),
}


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def change_status(request: Request, uid: UUID, act: str) -> HttpResponse:
    if act not in ACTS:
        raise Http404
    client, form = client_of_anybody(uid), CaseForm(posted(request))
    carry_out, title, submit, consequence, done = ACTS[act]
    name, status = {"name": client.name}, 422 if form.errors else 200
    if form.is_valid():
        told = {name: form.cleaned_data[name] for name in ("reason", "message")}
        evidence = incidents.evidence_in(client, form.cleaned_data["case"])
        with refusals_to(form):
            carry_out(client=client, **told, evidence=evidence, by=actor(request), now=request.now)
            messages.success(request, str(done) % name)
            return redirect("security:client", uid)
        status = 409
    context = {
        "client": client, "form": form, "title": str(title) % name, "submit": submit, "consequence": consequence,
        "danger": act == "close", "mails": mail_previews.of_client(request, client, "", MAILED_AS[act]),
    }  # fmt: skip
    return render(request, "security/change_status.html", context, status=status)


# --- Limits, lifetimes and scopes -----------------------------------------------------------------------------------
@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def client_settings(request: Request, uid: UUID) -> HttpResponse:
    form = _settings_form(client := client_of_anybody(uid), posted(request))
    if form.is_valid():
        chosen: dict[str, Any] = form.cleaned_data
        try:
            with refusals_to(request, but=Stale):
                lifecycle.change_settings(
                    client=client, settings=chosen, seen=chosen["seen"], reason=chosen["reason"], by=actor(request),
                    now=request.now,
                )  # fmt: skip
                messages.success(request, _("Settings saved."))
            return redirect("security:client", uid)
        except Stale as problem:
            form = _settings_form(client_of_anybody(uid), request.POST)
            form.show_again(problem)
    return _form_page(request, "security/client_settings.html", client, form)


def _settings_form(client: Client, data: QueryDict | None) -> SettingsForm:
    now = {name: getattr(client, name) for name in Client.SETTINGS}
    return SettingsForm(data, initial={**now, "seen": client.settings_hash})


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def client_scopes(request: Request, uid: UUID) -> HttpResponse:
    """Remove scopes; add scopes by a proposal that a colleague confirms."""
    form = _scopes_form(client := client_of_anybody(uid), posted(request))
    if form.is_valid():
        chosen: dict[str, Any] = form.cleaned_data
        try:
            with refusals_to(request, but=Stale):
                lifecycle.change_scopes(
                    client=client, scopes=chosen["scopes"], defaults=chosen["defaults"], seen=chosen["seen"],
                    reason=chosen["reason"], by=actor(request), now=request.now,
                )  # fmt: skip
                saved = _("Scopes saved. A scope you took away is gone from every token immediately.")
                messages.success(request, saved)
            return redirect("security:client", uid)
        except NeedsColleague:
            return _propose_scopes(request, client, chosen)
        except Stale as problem:
            form = _scopes_form(client, request.POST)
            form.show_again(problem)
    return _form_page(request, "security/client_scopes.html", client, form, held=held_scopes.rows(client))


def _propose_scopes(request: Request, client: Client, chosen: dict[str, Any]) -> HttpResponse:
    """Propose all ticked scopes, unchanged ones included: two people agree on the client's final scopes."""
    content: dict[str, object] = {
        "scopes": [scope.name for scope in chosen["scopes"]],
        "default_scopes": [scope.name for scope in chosen["defaults"]],
    }
    return propose(request, Proposal.Kind.SCOPES_GIVEN, client, content=content, reason=chosen["reason"])


def _scopes_form(client: Client, data: QueryDict | None) -> ScopesForm:
    held = dict(client.client_scopes.values_list("scope__name", "is_default"))
    known = {scope.name: scope for scope in Scope.objects.offered(client.scopes.all())}
    defaults = [name for name, default in held.items() if default]
    initial = {"scopes": list(held), "defaults": defaults, "seen": client.scopes_hash}
    return ScopesForm(data, known=known, initial=initial)


def _form_page(request: Request, template: str, client: Client, form: SeenForm, **more: object) -> HttpResponse:
    return render(request, template, {"client": client, "form": form, **more}, status=status_of(form))
