"""Explanation of one refused HTTP request, at the address in `error_uri` (PROTOCOL R-30).

Contacts of the client and the Security team see the refusal with evidence, fix and whether it stopped since. A refusal
without a client of ours is explained for a day to everybody with its number. Other readers see how to sign in, the same
for a refusal of any client and for none.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clients.models import Client
from portal.explanations import explain
from portal.explanations.refused_requests import Period, cause_of, explained_by, floods, refused_each_hour
from portal.forms.links import LinkForm
from portal.guards.context_processors import role_of
from portal.web.http_request import Request
from tokens.models import AnonymousRefusal, JournalEntry
from tokens.protocol.slips import near
from tokens.tasks import ANONYMOUS_KEPT

DAY = timedelta(days=1)


@login_not_required
@require_safe
def why(request: Request, number: str) -> HttpResponse:
    role = role_of(request)
    if (entry := _kept(request, role, number)) is not None:
        return render(request, "contact/why.html", _one(entry, request, staff=role == "security"))
    anonymous = AnonymousRefusal.objects.filter(why=number, at__gt=request.now - ANONYMOUS_KEPT).first()
    if anonymous is not None:
        return render(request, "public/why.html", _nobodys(anonymous, request, role))
    if role == "public":
        return render(request, "public/why_sign_in.html", {"number": number, "form": LinkForm()})
    mine = list(Client.objects.of(request.user)) if role == "contact" else []
    found = floods(mine, Period(request.now - DAY, request.now), request.now)
    context = {"number": number, "floods": found, "is_contact": role == "contact"}
    return render(request, "contact/why_not_kept.html", context, status=404)


def _kept(request: Request, role: str, number: str) -> JournalEntry | None:
    """Return the entry if this person may read it: contacts those of their clients, the Security team any."""
    entries = JournalEntry.objects.with_request_id(number).select_related("client").order_by("-at", "-pk")
    if role == "contact":
        return entries.filter(client__in=Client.objects.of(request.user)).first()
    return entries.first() if role == "security" else None


def _one(entry: JournalEntry, request: Request, *, staff: bool) -> dict[str, Any]:
    cause = cause_of(entry, request.now) if entry.error else None
    return {
        "entry": entry,
        "client": entry.client,
        "staff": staff,
        "explained": explained_by(entry, cause.requests if cause else []),
        "cause": cause,
        "hours": refused_each_hour(entry, request.now),
        "address": f"{settings.PUBLIC_URL}/why/{entry.why or entry.request_id}",
        "now": request.now,
    }


def _nobodys(refusal: AnonymousRefusal, request: Request, role: str) -> dict[str, Any]:
    """Explain a refusal without a client, comparing the id sent with those of the reader's own clients only."""
    mine = list(Client.objects.of(request.user)) if role == "contact" else []
    meant = near(refusal.facts.get("sent"), [client.client_id for client in mine]).get("near")
    return {
        "refusal": refusal,
        "explained": explain(refusal.rule, refusal.facts),
        "kept_until": refusal.at + ANONYMOUS_KEPT,
        "issuer": settings.PUBLIC_URL,
        "meant": next((client for client in mine if client.client_id == meant), None),
        "form": LinkForm() if role == "public" else None,
        "staff": role == "security",
    }
