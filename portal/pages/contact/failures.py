"""The refused HTTP requests of the contact's clients, by cause, each with its fix.

The OAuth answer is a neutral `invalid_client` with an address (PROTOCOL A-16, R-30); this page tells the reason.
A single refusal has a page of its own (portal/pages/public/why.py).
"""

from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from clients.models import Client
from portal.explanations.refused_requests import by_client
from portal.flows.client_tabs import tab_counts
from portal.forms.failures import JournalForm
from portal.guards.access import contact
from portal.pages.contact.failure_times import time_line
from portal.web.http_request import Request
from tokens.models import CredentialUse


@contact
@require_safe
def journal(request: Request) -> HttpResponse:
    clients = list(Client.objects.of(request.user))
    form = JournalForm(request.GET, clients=clients)
    form.full_clean()
    if number := form.cleaned_data.get("request_id"):
        return redirect("public:why", number)
    chosen, days, day = form.chosen(), form.days_back(), form.chosen_day()
    only = chosen[0] if len(chosen) == 1 else None
    shown = by_client(chosen, form.period(days, request.now), request.now)
    around = form.longer_period(days, request.now)
    refused = [cause for of_client in shown for cause in of_client.causes]
    context = {
        "form": form,
        "clients": clients,
        "chosen": only,
        "counts": tab_counts(only, request.now) if only else {},
        "days": days,
        "day": day,
        "hour": form.chosen_hour(),
        "line": time_line(around.counts(*chosen), around.since, around.until, request.now),
        "shown": shown,
        "refused": sum(cause.count for cause in refused),
        "causes": len(refused),
        "failing": sum(cause.verdict.state == "failing" for cause in refused),
        "last_good": CredentialUse.objects.of(*chosen).aggregate(at=Max("last_used_at"))["at"],
        "now": request.now,
    }
    return render(request, "contact/journal.html", context, status=422 if "request_id" in form.errors else 200)
