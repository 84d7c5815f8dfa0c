"""The page of a client, its history, and its client id."""

from collections.abc import Collection
from datetime import datetime
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
from clients.models import Client, Key
from clients.policy.bounds import Bound
from clients.policy.words import WORDS, told
from portal.config.endpoints import token_address
from portal.explanations.refused_requests import last_24_hours
from portal.forms.key_upload import KeyUploadForm
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.ui import client_health, field_rows, log_entries, proof_of_possession, usage_chart
from portal.ui.staff_names import staff_addresses, without_name
from portal.ui.token_list import of_trust, shown_tokens
from portal.web.http_request import Request
from tokens.acts.policy import preview as policy_preview
from tokens.models import CredentialUse, Token

MAX_TOKENS = 5  # on this page; another one lists all
OVER = (Key.State.RETIRED, Key.State.EXPIRED)
PAGE_SIZE = 50  # entries of the history
STAFF_FIELDS = {
    "proposed_by",
    "proposal_reason",
    "signals",
    "content_hash",
    "recommendation",
    "internal_note",
    "legal_basis",
}  # of an entry, hidden from contacts


@contact
@require_safe
def client(request: Request, uid: UUID) -> HttpResponse:
    found, now = client_of(request, uid), request.now
    keys, every_secret = list(found.keys.shown()), list(found.secrets.order_by("-created_at"))
    secrets = [secret for secret in every_secret if secret.works(now)]
    uses, trusts = CredentialUse.objects.of(found).in_bulk(), list(found.trusts.not_ended(now).shown())
    state = client_health.of_client(found, keys, every_secret, uses, now, trusts)
    tokens = shown_tokens(found, now, limit=MAX_TOKENS + 1)
    valid = Token.objects.of(found).live(now).counted()
    context = {
        "client": found,
        "now": now,
        "rows": field_rows.rows(found, without=("client_name", "organisation")),
        "condition": state,
        "rotation": state.rotation,
        "staff": staff_addresses(),
        "keys": [
            client_health.of_key(key, uses, now, valid, state.rotation) for key in keys if key.state(now) not in OVER
        ],
        "jwks_uri": found.jwks_uris.in_use().first(),
        "old_keys": [client_health.of_key(key, uses, now, valid) for key in keys if key.state(now) in OVER],
        "secrets": [client_health.of_secret(secret, uses, now, valid, state.rotation) for secret in secrets],
        "secrets_accepted": settings.CLIENT_SECRETS_ACCEPTED,
        "old_secrets": [secret for secret in every_secret if secret not in secrets],
        "signs_in_with": client_health.signs_in_with(found, keys, secrets, now, trusts),
        "trusts": [of_trust(trust, uses, now, valid) for trust in trusts],
        "can_turn_off": without_secrets(found, now),
        "scopes": found.client_scopes.select_related("scope").order_by("scope__name"),
        "contacts": found.contacts.select_related("user").order_by("user__name", "user__email"),
        "open_request": found.registrations.open().select_related("requester").first(),
        "token_address": token_address(),
        "tokens": tokens[:MAX_TOKENS],
        "more_tokens": len(tokens) > MAX_TOKENS,
        "first_token": found.status == found.Status.ACTIVE and found.may_request_tokens and not uses,
        "upload": KeyUploadForm(initial={"way": "paste", "challenge": proof_of_possession.challenge_for(found)}),
        "activity": usage_chart.of_client(found, now),
        "asked_network": found.networks.asked().first(),
        "coming": _coming(found, now),
        "refused_today": last_24_hours([found], now).get(found.pk, {}).get("count", 0),
    }
    return render(request, "contact/client.html", context)


def _coming(client: Client, now: datetime) -> list[dict[str, object]]:
    """Return the bounds that will refuse what the client did lately, in words."""
    return [
        {"told": told(row.bound, row.value), "since": since, "todo": WORDS[Bound(row.bound)].todo}
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
    return render(request, "contact/history.html", {"client": found, "entries": shown, "older": older})


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
