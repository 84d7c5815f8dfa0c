"""The printable report of a case: what leaked, who used it, what was done when, and by which entries it is proven."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit.actions import Action
from audit.models import Entry, EntryQuerySet
from clients.models import Client, Mail
from portal.guards.access import client_of_anybody, security_team
from portal.ui import log_entries
from portal.ui.token_list import network_uses, reach
from portal.web.http_request import Request

WEEK = timedelta(days=7)
CLOCKS = timedelta(minutes=1)  # a mail has the clock of its process, an entry that of the database


@security_team
@require_safe
def incident_report(request: Request, uid: UUID) -> HttpResponse:
    client, case = client_of_anybody(uid), request.GET.get("case", "").strip()
    acts = Entry.objects.of_client(client.audit_client).filter(changes__case__1=case)
    if not case or not (first := acts.order_by("seq").first()):
        raise Http404
    entries = list(_course(client, acts, first).order_by("seq"))
    context = {
        "client": client,
        "case": case,
        "reason": first.note,
        "entries": log_entries.rows(entries),
        "scopes": reach(client),
        "contacts": client.contacts.select_related("user").order_by("-role", "user__email"),
        "mails": _told(client, acts),
        "networks": network_uses(client),
    }
    return render(request, "security/incident_report.html", context)


def _told(client: Client, acts: EntryQuerySet) -> QuerySet[Mail]:
    """Return the mails about the acts of the case, and none of the others that the contacts got meanwhile."""
    about = Q(pk=None)
    for action, at in acts.values_list("action", "at"):
        about |= Q(facts__action=action, created_at__range=(at - CLOCKS, at + CLOCKS))
    return Mail.objects.filter(about, client=client).order_by("created_at")


def _course(client: Client, acts: EntryQuerySet, first: Entry) -> EntryQuerySet:
    """Return the acts of the case and the look-ups of the client's credentials from the week before it."""
    looked_up = Entry.objects.of_client(client.audit_client).with_action(Action.INCIDENT_LOOKED_UP)
    since = looked_up.between(first.at - WEEK, None)
    return Entry.objects.filter(seq__in=[*acts.values_list("seq", flat=True), *since.values_list("seq", flat=True)])
