"""Why did it fail? The refused requests of the contact's clients, by cause, each with its fix.

The wire says a neutral `invalid_client` with a request id (PROTOCOL line 16); here the contact finds what it meant.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Window
from django.db.models.functions import RowNumber
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from clients.models import Client
from portal import causes
from portal.access import contact
from portal.forms.journal import JournalForm
from portal.request import Request
from tokens.assertion import CLOCK_TOLERANCE
from tokens.errors import Rule
from tokens.models import CredentialUse, JournalEntry, JournalEntryQuerySet

EXAMPLES = 3  # requests shown of each cause
ONGOING = timedelta(hours=1)  # seen within this time: it still happens
TIMES = {Rule.ISSUED_AT, Rule.NOT_BEFORE, Rule.EXPIRED, Rule.EXPIRES_TOO_LATE}  # what was sent is a moment
ABOUT = ("parameter", "key", "state", "algorithm", "needs")  # facts that are no comparison
AHEAD = {Rule.ISSUED_AT, Rule.NOT_BEFORE}


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
    entries = JournalEntry.objects.filter(client__in=chosen, at__gt=request.now - timedelta(days=days))
    found = JournalEntry.objects.filter(client__in=clients).with_request_id(sought) if sought else None
    shown = _by_client(chosen, entries if found is None else found, request.now)
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
        "last_good": CredentialUse.objects.filter(client__in=chosen).aggregate(at=Max("last_used_at"))["at"],
        "now": request.now,
    }
    return render(request, "contact/journal.html", context)


def _by_client(clients: Iterable[Client], entries: JournalEntryQuerySet, now: datetime) -> list[OfClient]:
    """The causes of each client that has any, most frequent first; three queries whatever their number."""
    latest = _latest(entries)
    found = {client.pk: OfClient(client) for client in clients}
    counted = entries.order_by().values("client_id", "rule", "error").annotate(count=Count("pk"), last_at=Max("at"))
    for row in counted.order_by("-count", "rule"):
        if of_client := found.get(row["client_id"]):
            examples = latest[row["client_id"], row["rule"], row["error"]]
            kind = of_client.causes if row["error"] else of_client.remarks
            kind.append(_cause(row, examples, now))
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
    words, facts = causes.words(row["rule"]), examples[0].facts
    return {
        "id": f"cause-{examples[0].pk}",
        "title": words.title,
        "count": row["count"],
        "last_at": row["last_at"],
        "answer": row["error"],
        "ongoing": row["last_at"] > now - ONGOING,
        "name": words.name or row["rule"],
        "fix": words.fix,
        "requests": examples,
        **_compared(row["rule"], facts),
    }


def _compared(rule: str, facts: dict[str, str]) -> dict[str, Any]:
    """What was sent beside what is expected; where there is nothing to compare, `about` says what there is to say."""
    sent, expected, clock = facts.get("sent", ""), facts.get("expected", ""), _number(facts.get("our_clock"))
    if rule not in TIMES or clock is None or (at := _number(sent)) is None:
        about = ", ".join(str(facts[name]) for name in ABOUT if name in facts)
        return {"sent": sent, "expected": expected, "about": about} if expected else {"about": about or sent}
    compared: dict[str, Any] = {"sent": _with_time(at), "expected": _with_time(clock)}
    if rule in AHEAD:
        compared |= {"offset": at - clock, "allowed": CLOCK_TOLERANCE}
    return compared


def _number(text: object) -> float | None:
    """A moment of this or the next centuries, in seconds since 1970; other people wrote it."""
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if 0 <= value < 10**10 else None


def _with_time(seconds: float) -> str:
    return f"{seconds:.0f} = {localtime(datetime.fromtimestamp(seconds, UTC)):%H:%M:%S}"
