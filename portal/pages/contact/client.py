"""The pages of a client: overview, credentials, history; and its client id."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit.models import Entry
from clients.access.guarded_acts import Act
from clients.acts import lifecycle
from clients.acts.credentials.ways_in import without_secrets
from clients.models import Client, Key, Registration, Scope, Secret, Trust
from clients.policy.bounds import Bound
from clients.policy.words import WORDS, told
from portal.config.endpoints import token_address
from portal.explanations.refused_requests import last_24_hours
from portal.flows.client_tabs import tab_counts
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.pages.contact import overview
from portal.ui import client_health, field_rows, log_entries, usage_chart
from portal.ui.client_health import Condition
from portal.ui.client_page import chart_marks, credential_rows
from portal.ui.client_page.credential_rows import OVER, CredentialRow
from portal.ui.client_page.rotation_meter import meter
from portal.ui.staff_names import as_contacts_see, staff_addresses, without_name
from portal.ui.token_list import of_trust
from portal.web.http_request import Request
from tokens.acts.policy import preview as policy_preview
from tokens.acts.uses import unused_clients
from tokens.models import CredentialUse

PAGE_SIZE = 50  # entries of the history
STAFF_FIELDS = {
    "proposed_by",
    "proposal_reason",
    "signals",
    "content_hash",
    "recommendation",
    "internal_note",
}  # of an entry, hidden from contacts


@contact
@require_safe
def client(request: Request, uid: UUID) -> HttpResponse:
    """Show how the client is, what needs its contacts, and what its software is configured with."""
    found, now = client_of(request, uid), request.now
    held = _held(found, now)
    facts = overview.Facts(
        client=found,
        condition=held.condition,
        rows=held.rows,
        refused=last_24_hours([found], now).get(found.pk, {}),
        last_token_at=client_health.last_use(held.uses),
        coming=coming_bounds(found, now),
        suspended_at=None,
        ending_scopes=list(Scope.objects.deprecated().filter(clients=found)),
        jwks_uri=found.jwks_uris.in_use().first(),
        asked_network=found.networks.asked().first(),
        recertification=found.recertifications.open().first(),
        open_request=(open_request := found.registrations.open().select_related("requester").first()),
        asked_by=_asked_by(open_request, request),
        now=now,
    )
    todos = overview.todos(facts)
    context = {
        **_head(found, held.condition, now),
        "figures": overview.figures(facts),
        "todos": todos[: overview.MAX_SHOWN],
        "more_todos": todos[overview.MAX_SHOWN :],
        "fields": field_rows.rows(found, without=("client_name", "organisation")),
        "scopes": found.client_scopes.select_related("scope__successor").order_by("scope__name"),
        "contacts": found.contacts.select_related("user").order_by("user__name", "user__email"),
        "token_address": token_address(),
        "first_token": found.status == found.Status.ACTIVE and found.may_request_tokens and not held.uses,
        "keys": [row for row in held.rows if row.kind == "key"],
        "secrets": [row for row in held.rows if row.kind == "secret"],
        "activity": _activity(request, found),
        "suspended_at": unused_clients.suspended_at(found),
        "may_be_undone": found.may_be_undone(now),
        "not_confirmed": facts.recertification is not None and facts.recertification.suspended_at is not None,
    }
    return render(request, "contact/client.html", context)


@contact
@require_safe
def credentials(request: Request, uid: UUID) -> HttpResponse:
    """List the keys, secrets and trusts of the client, how far a replacement is, and what the policy will refuse."""
    found, now = client_of(request, uid), request.now
    held = _held(found, now)
    context = {
        **_head(found, held.condition, now),
        "rows": held.rows,
        "meter": meter(held.condition.rotation, held.rows),
        "coming": coming_bounds(found, now),
        "staff": staff_addresses(),
        "old_keys": [client_health.of_key(key, held.uses, now) for key in held.keys if key.state(now) in OVER],
        "old_trusts": [of_trust(trust, held.uses, now) for trust in held.trusts if trust.state(now) in OVER],
        "old_secrets": [secret for secret in held.secrets if not secret.works(now)],
        "has_secret": any(secret.works(now) for secret in held.secrets),
        "can_turn_off": without_secrets(found, now),
    }
    return render(request, "contact/credentials.html", context)


def _activity(request: Request, client: Client) -> dict[str, Any]:
    """Return the chart of the last days with its marks, of the refused requests alone if the reader chose so."""
    chart = chart_marks.marked(usage_chart.of_client(client, request.now), client, request.now)
    return usage_chart.only_refused(chart) if request.GET.get("chart") == "refused" else chart


@dataclass(frozen=True)
class Held:
    """The credentials of a client, ended ones too, with the rows of those that work, and what they say of it."""

    keys: list[Key]
    secrets: list[Secret]
    trusts: list[Trust]
    uses: dict[str, CredentialUse]
    condition: Condition
    rows: list[CredentialRow]


def _held(client: Client, now: datetime) -> Held:
    keys, secrets = list(client.keys.shown()), list(client.secrets.order_by("-created_at"))
    uses, trusts = CredentialUse.objects.of(client).in_bulk(), list(client.trusts.not_ended(now).shown())
    condition = client_health.of_client(client, keys, secrets, uses, now, trusts)
    about = credential_rows.known(client, uses, condition.rotation, now)
    return Held(keys, secrets, trusts, uses, condition, credential_rows.rows(keys, secrets, trusts, about))


def _head(client: Client, condition: Condition, now: datetime) -> dict[str, object]:
    """Return what the head of the page says."""
    return {
        "client": client,
        "condition": condition,
        "counts": tab_counts(client, now),
        "now": now,
        "secrets_accepted": settings.CLIENT_SECRETS_ACCEPTED,
    }


def _asked_by(asked: Registration | None, request: Request) -> str:
    """Return who asked for the change, unless it was the reader."""
    if asked is None or asked.requester is None or asked.requester == request.user:
        return ""
    return as_contacts_see(asked.requester.audit_label, staff_addresses())


def coming_bounds(client: Client, now: datetime) -> list[overview.Coming]:
    """Return the bounds that will refuse what the client did lately, in words."""
    return [
        overview.Coming(told(row.bound, row.value), since, str(WORDS[Bound(row.bound)].todo))
        for row, since in policy_preview.coming(client, now=now)
    ]


@contact
@require_safe
def history(request: Request, uid: UUID) -> HttpResponse:
    """Show the client's entries of the change log, the same that an auditor reads."""
    found = client_of(request, uid)
    entries = Entry.objects.of_client(found.audit_client)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        entries = entries.before(int(before))
    page = list(entries[: PAGE_SIZE + 1])
    older = page[PAGE_SIZE - 1].seq if len(page) > PAGE_SIZE else None
    theirs = {row.user.audit_id for row in found.contacts.select_related("user")}
    contacts, staff = log_entries.contacts_among(page), staff_addresses()
    shown = [
        _readable(entry, staff, by_contact=entry.actor_id in contacts, show_address=entry.actor_id in theirs)
        for entry in page[:PAGE_SIZE]
    ]
    context = {"client": found, "counts": tab_counts(found, request.now), "entries": shown, "older": older}
    return render(request, "contact/history.html", context)


def _readable(entry: Entry, staff: Collection[str], *, by_contact: bool, show_address: bool) -> dict[str, object]:
    """Return the entry for components/change_log.html, without the parts for auditors only.

    Staff and commands appear as the Security team, without reasons and signals. Former contacts have a name and no
    address.
    """
    actor = log_entries.name_for_contacts(entry, by_contact=by_contact)
    hidden = {} if show_address else {"who": actor if by_contact else ""}
    hidden |= {} if by_contact else {"note": ""}
    row = log_entries.row(entry, without=STAFF_FIELDS)
    row["changes"] = [
        {**change, **{side: without_name(str(change[side]), staff) for side in ("before", "after")}}
        for change in log_entries.differences(entry, without=STAFF_FIELDS)
    ]
    return {**row, "sentence": log_entries.sentence(entry, actor), "hash": "", "url": "", **hidden}


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def change_client_id(request: Request, uid: UUID) -> HttpResponse:
    """Show a warning, and change the client id by POST; the old one stops at once."""
    found = client_of(request, uid)
    if request.method != "POST":
        return render(request, "contact/change_client_id.html", {"client": found})
    require(request, Act.CHANGE_CLIENT_ID, found)
    seen = request.POST.get("seen", "")
    with refusals_to(request):
        new = lifecycle.change_client_id(client=found, seen=seen, by=actor(request), now=request.now)
        messages.success(
            request, _("The client id is now %(client_id)s. Set it in your software.") % {"client_id": new}
        )
    return redirect("contact:client", uid)
