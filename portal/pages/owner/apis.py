"""An owner's APIs: the requests that wait for them, and the clients that hold their scopes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.paginator import Paginator
from django.db.models import Count, Max, Prefetch, QuerySet, Sum
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.acts import api_callers
from clients.models import Api, Client, ClientContact, ClientScope, Proposal, Registration, RegistrationScope
from portal.guards.access import actor, api_of, api_owner
from portal.guards.refusals import refusals_to
from portal.web import csv_download
from portal.web.http_request import Request
from tokens.models import ApiCalls

PAGE_SIZE = 30  # callers, and requests that wait
DAYS = 30  # over which calls a day are counted
EXPORT_CHUNK = 500  # callers per round trip of the export


@dataclass(frozen=True)
class Caller:
    """A client that holds scopes of the API."""

    client: Client
    scopes: list[str]
    contacts: list[ClientContact]
    since: datetime | None
    last_call_at: datetime | None
    calls_a_day: float


@api_owner
@require_safe
def apis(request: Request) -> HttpResponse:
    """List the APIs; the page of the only one."""
    mine = list(Api.objects.filter(owners__user=request.user))
    if len(mine) == 1:
        return redirect("owner:api", mine[0].identifier)
    callers, waiting = api_callers.counted(mine), _counted_waiting(mine)
    rows = [{"api": api, "callers": callers.get(api.pk, 0), "waiting": waiting.get(api.pk, 0)} for api in mine]
    return render(request, "owner/apis.html", {"rows": rows})


@api_owner
@require_safe
def api(request: Request, identifier: str) -> HttpResponse:
    found = api_of(request, identifier)
    page = Paginator(_loaded(api_callers.callers(found), found), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "api": found,
        "owners": found.owners.select_related("user").order_by("named_at"),
        "ending": found.scopes.deprecated(),
        "waiting": Paginator(_waiting(found), PAGE_SIZE).page(1),
        "webhooks": found.webhooks.filter(ends_at=None),
        "proposed": Proposal.objects.waiting(request.now).filter(api=found, kind=Proposal.Kind.WEBHOOK_ADDED),
        "callers": _callers(page.object_list, found, request.now),
        "page": page,
        "days": DAYS,
    }
    return render(request, "owner/api.html", context)


@api_owner
@require_http_methods(["GET", "HEAD", "POST"])
def export_callers(request: Request, identifier: str) -> HttpResponseBase:
    """Export all callers as a spreadsheet, with their contacts; the change log says who did."""
    found = api_of(request, identifier)
    if request.method == "POST":
        with refusals_to(request):
            api_callers.note_exported(api=found, by=actor(request))
            rows = _as_table(found, request.now)
            return csv_download.response(rows, name=f"callers-{found.identifier}-{request.now:%Y-%m-%d}.csv")
    return redirect("owner:api", identifier)


def _waiting(found: Api) -> QuerySet[Registration]:
    """Return the requests that wait for an owner of the API, oldest first; without scopes that the client has."""
    waiting = Registration.objects.awaiting_review().filter(pk__in=_undecided([found]).values("registration"))
    asked = Prefetch("asked", RegistrationScope.objects.filter(scope__api=found).select_related("scope"))
    return waiting.select_related("endorsed_by").prefetch_related(asked)


def _counted_waiting(apis: Iterable[Api]) -> dict[int, int]:
    """Return how many requests wait for an owner of each API."""
    undecided = _undecided(apis).filter(registration__status=Registration.Status.SUBMITTED)
    return dict(undecided.order_by().values_list("scope__api").annotate(Count("registration", distinct=True)))


def _undecided(apis: Iterable[Api]) -> QuerySet[RegistrationScope]:
    return RegistrationScope.objects.undecided().filter(scope__api__in=apis)


def _loaded(callers: QuerySet[Client], found: Api) -> QuerySet[Client]:
    held = ClientScope.objects.filter(scope__api=found, scope__retired_at=None).select_related("scope")
    contacts = ClientContact.objects.select_related("user").order_by("-role", "user__email")
    return callers.prefetch_related(Prefetch("client_scopes", held), Prefetch("contacts", contacts))


def _callers(clients: Iterable[Client], found: Api, now: datetime) -> list[Caller]:
    """Return the rows, with since when and calls in a few queries for any number of clients."""
    clients = list(clients)
    since = api_callers.held_since(found, clients) if clients else {}
    calls = ApiCalls.objects.filter(client__in=clients, api=found.identifier).order_by().values_list("client")
    last = dict(calls.annotate(Max("last_at")))
    lately = dict(calls.filter(day__gt=now.date() - timedelta(days=DAYS)).annotate(Sum("calls")))
    return [
        Caller(
            client=client,
            scopes=sorted(row.scope.name for row in client.client_scopes.all()),
            contacts=list(client.contacts.all()),
            since=since.get(client.audit_client),
            last_call_at=last.get(client.pk),
            calls_a_day=round(lately.get(client.pk, 0) / DAYS, 1),
        )
        for client in clients
    ]


def _as_table(found: Api, now: datetime) -> Iterator[list[object]]:
    yield [
        _("Organisation"), _("Organisation number"), _("Client"), _("Id of the client in the change log"), _("Scopes"),
        _("Contacts"), _("Since"), _("Last call"), _("Calls a day"),
    ]  # fmt: skip
    callers, start = _loaded(api_callers.callers(found), found), 0
    while rows := _callers(callers[start : start + EXPORT_CHUNK], found, now):
        start += EXPORT_CHUNK
        for row in rows:
            client, last = row.client, row.last_call_at
            yield [
                client.organisation, client.organisation_number, client.name, client.uid, " ".join(row.scopes),
                "; ".join(contact.user.email for contact in row.contacts),
                f"{row.since:%Y-%m-%d}" if row.since else "",
                last.isoformat(timespec="seconds") if last else "", row.calls_a_day,
            ]  # fmt: skip
