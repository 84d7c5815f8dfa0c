"""Why did it fail? The refused requests of the contact's clients, by cause, each with its fix.

The wire says a neutral `invalid_client` with a request id (PROTOCOL line 16); here the contact finds what it meant.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Window
from django.db.models.functions import RowNumber
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clients.models import Client
from portal import causes
from portal.access import contact
from portal.forms.journal import JournalForm
from portal.request import Request
from tokens.models import CredentialUse, JournalEntry, JournalEntryQuerySet

EXAMPLES = 3  # requests shown of each cause
ONGOING = timedelta(hours=1)  # seen within this time: it still happens


@dataclass(frozen=True)
class OfClient:
    client: Client
    causes: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[dict[str, Any]] = field(default_factory=list)


@contact
@require_safe
def journal(request: Request) -> HttpResponse:
    clients = list(Client.objects.of(request.user))
    form = JournalForm(request.GET, clients=clients)
    form.full_clean()
    chosen, days, sought = form.chosen(), form.days_back(), form.sought()
    entries = JournalEntry.objects.of(*chosen).since(request.now - timedelta(days=days))
    found = JournalEntry.objects.of(*clients).with_request_id(sought) if sought else None
    shown = by_client(chosen, entries if found is None else found, request.now)
    refused = [cause for of_client in shown for cause in of_client.causes]
    context = {
        "form": form,
        "clients": clients,
        "chosen": chosen[0] if len(chosen) == 1 else None,
        "days": days,
        "sought": sought,
        "shown": shown,
        "refused": sum(cause["count"] for cause in refused),
        "causes": len(refused),
        "ongoing": sum(cause["ongoing"] for cause in refused),
        "last_good": CredentialUse.objects.of(*chosen).aggregate(at=Max("last_used_at"))["at"],
        "now": request.now,
    }
    return render(request, "contact/journal.html", context)


def by_client(clients: Iterable[Client], entries: JournalEntryQuerySet, now: datetime) -> list[OfClient]:
    """The causes of each client that has any, three queries whatever their number.

    Those that still happen come first, then the most frequent: who comes in a hurry looks for what fails now.
    """
    latest = _latest(entries)
    found = {client.pk: OfClient(client) for client in clients}
    counted = entries.order_by().values("client_id", "rule", "error").annotate(count=Count("pk"), last_at=Max("at"))
    for row in counted.order_by("-count", "rule"):
        if of_client := found.get(row["client_id"]):
            kind = of_client.causes if row["error"] else of_client.remarks
            # Without an example it was written after the first query: the next reader sees it.
            if examples := latest[row["client_id"], row["rule"], row["error"]]:
                kind.append(_cause(row, examples, now))
    for of_client in found.values():
        of_client.causes.sort(key=lambda cause: not cause["ongoing"])
    return [of_client for of_client in found.values() if of_client.causes or of_client.remarks]


def _latest(entries: JournalEntryQuerySet) -> dict[tuple[int, str, str], list[JournalEntry]]:
    """The newest entries of each cause."""
    place = Window(RowNumber(), partition_by=[F("client_id"), F("rule"), F("error")], order_by=F("at").desc())
    latest: dict[tuple[int, str, str], list[JournalEntry]] = defaultdict(list)
    for entry in entries.annotate(place=place).filter(place__lte=EXAMPLES).order_by("-at", "-pk"):
        latest[entry.client_id, entry.rule, entry.error].append(entry)
    return latest


def _cause(row: Mapping[str, Any], examples: list[JournalEntry], now: datetime) -> dict[str, Any]:
    """As components/failure_cause.html wants it; sent and expected are those of the newest request."""
    words, compared = causes.words(row["rule"]), causes.compared(row["rule"], examples[0].facts)
    return {
        "id": f"cause-{examples[0].pk}",
        "title": causes.title(row["rule"], compared),
        "count": row["count"],
        "last_at": row["last_at"],
        "answer": row["error"],
        "ongoing": row["last_at"] > now - ONGOING,
        "name": words.name,
        "fix": words.fix,
        "requests": examples,
        **compared,
    }
