"""The Security team's list of clients: search, filters, and the export as a spreadsheet."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Prefetch
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit.actions import FIELDS
from clients.acts import exports
from clients.fields import CONTENT_FIELDS, Kind
from clients.models import Client, ClientContact, Key, Secret, Trust
from portal.forms.client_lists import ClientFilterForm
from portal.guards.access import actor, security_team
from portal.search.client_search import Clients, after, matching, named
from portal.search.staff_search import refusal_address
from portal.ui import client_health as condition
from portal.web import csv_download
from portal.web.http_request import Request
from tokens.models import CredentialUse

PAGE_SIZE = 30
MAX_COUNTED_MATCHES = 1000
EXPORT_CHUNK = 500  # clients per round trip of the export
FIRST_COLUMNS = ("client_name", "organisation")  # of the export
LAST_COLUMNS = [  # of the export
    field for field in CONTENT_FIELDS if field.client and field.kind != Kind.TEXT and field.name not in FIRST_COLUMNS
]


@dataclass(frozen=True)
class Row:
    """A client of the list, loaded with the data of its row."""

    client: Client
    condition: condition.Condition
    signs_in_with: list[str]
    scopes: str
    last_used_at: datetime | None


@security_team
@require_safe
def all_clients(request: Request) -> HttpResponse:
    form = ClientFilterForm(request.GET)
    found = matching(form.cleaned_data, request.now) if form.is_valid() else Client.objects.none()
    last = named(request.GET.get("after", ""))
    found_after = after(found, last, sort=form.cleaned_data["sort"]) if last and form.is_valid() else found
    page = list(_with_rows(found_after, request.now)[: PAGE_SIZE + 1])
    query = form.active()
    context = {
        "form": form,
        "rows": _rows(page[:PAGE_SIZE], request.now),
        "first_url": "?" + urlencode(query) if "after" in request.GET else "",
        "next_url": "?" + urlencode({**query, "after": page[PAGE_SIZE - 1].uid}) if len(page) > PAGE_SIZE else "",
        "matches": found.order_by()[: MAX_COUNTED_MATCHES + 1].count(),  # any of them
        "counted": MAX_COUNTED_MATCHES,
        "chips": form.chips(),
        "refusal_url": refusal_address(form.cleaned_data["q"]) if form.is_valid() else "",
        "export_url": f"{reverse('security:export_clients')}?{urlencode(query)}",
    }
    return render(request, "security/all_clients.html", context, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def export_clients(request: Request) -> HttpResponseBase:
    """Export the filtered list as a spreadsheet; the filters stand in the address."""
    form = ClientFilterForm(request.GET)
    if request.method != "POST" or not form.is_valid():  # the page tells what is wrong
        return redirect(f"{reverse('security:clients')}?{request.GET.urlencode()}")
    exports.note_clients_exported(filters=form.active(), by=actor(request))
    found = _with_rows(matching(form.cleaned_data, request.now), request.now)
    return csv_download.response(_as_table(found, request.now), name=f"clients-{request.now:%Y-%m-%d}.csv")


def _with_rows(clients: Clients, now: datetime) -> Clients:
    keys, secrets = Prefetch("keys", Key.objects.usable(now)), Prefetch("secrets", Secret.objects.usable(now))
    uses = Prefetch("credential_uses", CredentialUse.objects.all(), to_attr="uses")
    trusts = Prefetch("trusts", Trust.objects.usable(now).select_related("issuer"))
    return clients.prefetch_related(keys, secrets, trusts, uses, "scopes")


def _rows(clients: Iterable[Client], now: datetime) -> list[Row]:
    return [_row(client, now) for client in clients]


def _row(client: Client, now: datetime) -> Row:
    keys, secrets, trusts = list(client.keys.all()), list(client.secrets.all()), list(client.trusts.all())
    uses = {use.credential: use for use in client.uses}  # type: ignore[attr-defined]  # prefetched by _with_rows
    return Row(
        client=client,
        condition=condition.of_client(client, keys, secrets, uses, now, trusts),
        signs_in_with=condition.signs_in_with(client, keys, secrets, now, trusts),
        scopes=" ".join(sorted(scope.name for scope in client.scopes.all())),
        last_used_at=condition.last_use(uses),
    )


def _as_table(clients: Clients, now: datetime) -> Iterator[list[object]]:
    yield [
        _("Client id"), _("Name"), _("Organisation"), _("State"), _("Authenticates with"), _("Scopes"), _("Last used"),
        _("Made at"), _("Contacts"), _("Keys"), _("Next key ends"), _("Id of the client in the change log"),
        *(str(FIELDS[field.log]) for field in LAST_COLUMNS),
    ]  # fmt: skip
    contacts = Prefetch("contacts", ClientContact.objects.select_related("user").order_by("user__email"))
    for client in clients.prefetch_related(contacts).iterator(chunk_size=EXPORT_CHUNK):
        row = _row(client, now)
        yield [
            client.client_id, client.name, client.organisation, client.get_status_display(),
            "; ".join(row.signs_in_with), row.scopes, _second(row.last_used_at), _second(client.created_at),
            "; ".join(contact.user.email for contact in client.contacts.all()),
            "; ".join(key.description for key in client.keys.all()),
            _second(min((end for key in client.keys.all() if (end := key.own_end)), default=None)),
            client.uid, *(client.texts[field.name] for field in LAST_COLUMNS),
        ]  # fmt: skip


def _second(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
