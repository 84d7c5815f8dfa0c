"""The contact's first page: which of their clients need them, and which run by themselves."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from audit.models import Entry
from clients.models import Client, ClientNetwork, JwksUri, Key, Recertification, Registration, Scope, Secret
from portal.explanations.refused_requests import last_24_hours
from portal.forms.fields import BoundedText
from portal.forms.filters import FilterForm, no_credential
from portal.guards.access import contact
from portal.pages.contact.at_a_glance import FILTERS, Row
from portal.pages.contact.overview import Facts
from portal.ui import client_health, usage_chart
from portal.ui.client_page import time_line
from portal.ui.log_entries import contacts_among, name_for_contacts, sentence
from portal.ui.rotation import ROTATION_MEMORY
from portal.web.http_request import Request
from tokens.acts.uses import unused_clients
from tokens.models import CredentialUse

PAGE_SIZE = 30  # clients
MAX_RECENT_CHANGES = 5
MAX_REQUESTS = 20


class GlanceForm(FilterForm):
    q = BoundedText(
        label=gettext_lazy("Name or client id"), required=False, max_length=120, validators=[no_credential],
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    show = forms.ChoiceField(required=False, choices=[(name, name) for name in FILTERS])


@contact
@require_safe
def home(request: Request) -> HttpResponse:
    form = GlanceForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    mine = _rows(request)
    named = [row for row in mine if _is_named(row.client, chosen.get("q", ""))]
    page = _page([row for row in named if row.is_in(chosen.get("show", ""))], request)
    months = usage_chart.of_each([row.client for row in page], request.now)
    shown = [row.with_month(months.get(row.client.pk)) for row in page]
    open_requests = list(Registration.objects.by(request.user).open()[:MAX_REQUESTS])
    questions = [asked for asked in open_requests if asked.status == Registration.Status.CHANGES_REQUESTED]
    in_review = [asked for asked in open_requests if asked.status == Registration.Status.SUBMITTED]
    context = {
        "form": form,
        "chips": _chips(named, chosen),
        "mine": mine,
        "page": page,
        "query": urlencode({name: value for name, value in chosen.items() if value}),
        "need_you": [row for row in shown if row.needs_you],
        "by_themselves": [row for row in shown if not row.needs_you],
        "only": shown[0] if len(mine) == len(shown) == 1 else None,
        "all_well": bool(mine) and not questions and not any(row.needs_you for row in mine),
        "next_end": min((row.next_end.end_at for row in mine if row.next_end and row.next_end.end_at), default=None),
        "organisations": sorted({row.client.organisation for row in mine}),
        "questions": _sought(questions, chosen),
        "in_review": _sought(in_review, chosen),
        "changes": _changes([row.client for row in mine]),
    }
    return render(request, "contact/home.html", context, status=422 if form.errors else 200)


def _is_named(client: Client, text: str) -> bool:
    return text.casefold() in client.name.casefold() or text in client.client_id


def _sought(requests: list[Registration], chosen: dict[str, Any]) -> list[Registration]:
    """Return those of the searched name; none beside a filter, which asks for clients."""
    name = chosen.get("q", "").casefold()
    return [] if chosen.get("show") else [asked for asked in requests if name in asked.audit_label.casefold()]


def _page(found: list[Row], request: Request) -> Page[Row]:
    """Return the page that the address names; the first one, or the last, for a number that is none."""
    return Paginator(sorted(found, key=lambda row: row.order), PAGE_SIZE).get_page(request.GET.get("page"))


def _chips(named: list[Row], chosen: dict[str, Any]) -> list[dict[str, object]]:
    """Return the filters, each with its number of clients and its address."""
    labels = {
        "": _("All"), "failing": _("Failing"), "ends": _("Ends within 30 days"), "replacing": _("Replacing"),
        "renews": _("Renews itself"),
    }  # fmt: skip
    return [
        {
            "label": label,
            "url": "?" + urlencode({key: value for key, value in {**chosen, "show": name}.items() if value}),
            "count": sum(row.is_in(name) for row in named),
            "current": chosen.get("show", "") == name,
        }
        for name, label in labels.items()
    ]


def _changes(clients: list[Client]) -> list[tuple[object, str, Client]]:
    """Return the latest entries about these clients: when, in words, and of which."""
    refs = {str(client.uid): client for client in clients}
    entries = list(Entry.objects.of_client(*refs)[:MAX_RECENT_CHANGES]) if refs else []
    contacts = contacts_among(entries)
    return [
        (
            entry.at,
            sentence(entry, name_for_contacts(entry, by_contact=entry.actor_id in contacts)),
            refs[entry.client_ref],
        )
        for entry in entries
    ]


def _rows(request: Request) -> list[Row]:
    """Return every client of the reader as a row, without its chart, in a fixed number of queries."""
    now = request.now
    clients = list(
        Client.objects.of(request.user).prefetch_related(
            Prefetch("keys", Key.objects.shown()),
            Prefetch("secrets", Secret.objects.usable(now - ROTATION_MEMORY)),
            Prefetch("jwks_uris", JwksUri.objects.in_use(), to_attr="addresses"),
            Prefetch("networks", ClientNetwork.objects.asked(), to_attr="asked_networks"),
            Prefetch("recertifications", Recertification.objects.open(), to_attr="questions"),
            Prefetch("registrations", Registration.objects.open(), to_attr="open_requests"),
            Prefetch("scopes", Scope.objects.deprecated(), to_attr="ending_scopes"),
            "trusts__issuer",
        )
    )
    uses: dict[int, dict[str, CredentialUse]] = defaultdict(dict)
    for use in CredentialUse.objects.of(*clients):
        uses[use.client_id][use.credential] = use
    refused, suspensions = last_24_hours(clients, now), unused_clients.suspensions(clients)
    return [
        _row(client, uses[client.pk], refused.get(client.pk, {}), suspensions.get(client.pk), request)
        for client in clients
    ]


def _row(
    client: Any, uses: dict[str, CredentialUse], refused: dict[str, Any], end: datetime | None, request: Request
) -> Row:
    """Return the row of a client that `_rows` has loaded. `end`: when it is suspended, if that was announced."""
    keys, secrets, trusts = list(client.keys.all()), list(client.secrets.all()), list(client.trusts.all())
    now, last_token_at = request.now, client_health.last_use(uses)
    facts = Facts(
        client=client,
        condition=client_health.of_client(client, keys, secrets, uses, now, trusts),
        rows=(),
        refused=refused,
        last_token_at=last_token_at,
        coming=(),
        ending_scopes=client.ending_scopes,
        suspended_at=end,
        jwks_uri=next(iter(client.addresses), None),
        asked_network=next(iter(client.asked_networks), None),
        recertification=next(iter(client.questions), None),
        open_request=next(iter(client.open_requests), None),
        asked_by="",
        now=now,
    )
    next_end = time_line.next_end(client, keys, secrets, trusts, uses, now)
    return Row(facts=facts, next_end=next_end, last_token_at=last_token_at)
