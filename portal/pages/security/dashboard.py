"""The Security team's start: what waits, what ends soon, how clients sign in, and how much is refused."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clients.models import Client, Key, Mail, Proposal, Registration, Secret
from portal.forms.client_lists import ALGORITHMS
from portal.guards.access import security_team
from portal.search.client_search import SHA1, named_by_sha1
from portal.ui import client_health, proposed_changes, usage_chart
from portal.web.http_request import Request

SOON = timedelta(days=30)
PROPOSALS = 5  # that wait for this reader; all of them are on their own page
LISTED = 10  # keys that end soon, clients that are refused most
# Counting a hundred thousand clients takes longer than a page may, so the worker does it each minute (portal/tasks.py).
REMEMBERED = 180  # seconds; without a worker the page counts for itself when they are over


@security_team
@require_safe
def dashboard(request: Request) -> HttpResponse:
    figures: dict[str, Any] = cache.get("dashboard") or remember(request.now)
    waiting = Registration.objects.awaiting_review()
    context = {
        **figures,
        "usage": usage_chart.of_totals(figures["usage_totals"], request.now),
        "waiting": waiting.count(),
        "oldest_at": waiting.values_list("submitted_at", flat=True).first(),
        "proposals": [proposed_changes.row(row, request.now) for row in _proposals(request)[:PROPOSALS]],
        "undelivered": Mail.objects.undeliverable().count(),
        "expiring": [client_health.of_key(key, {}, request.now) for key in _ending(request.now)[:LISTED]],
        "methods": _methods(figures["methods"]),
        "algorithms": _algorithms(figures["algorithms"]),
        "sha1_url": f"{reverse('all_clients')}?state=active&algorithm={SHA1}",
    }
    return render(request, "security/dashboard.html", context)


def _proposals(request: Request) -> QuerySet[Proposal]:
    return Proposal.objects.waiting(request.now).exclude(proposed_by=request.user)


def remember(now: datetime) -> dict[str, Any]:
    """Count over all clients, and keep the figures for the next visitors."""
    figures = _figures(now)
    cache.set("dashboard", figures, REMEMBERED)
    return figures


def _figures(now: datetime) -> dict[str, Any]:
    """Plain values, for the cache keeps them as JSON."""
    active = Client.objects.filter(status=Client.Status.ACTIVE)
    keys, secrets = Key.objects.usable(now).filter(client=OuterRef("pk")), Secret.objects.usable(now)
    by_key, by_secret = Exists(keys), Exists(secrets.filter(client=OuterRef("pk")))
    signing_in = active.annotate(key=by_key, secret=by_secret).values_list("key", "secret", "secret_allowed")
    works = Key.objects.usable(now).filter(client__status=Client.Status.ACTIVE)
    return {
        "clients": active.count(),
        "methods": dict(Counter(_method(*row) for row in signing_in)),
        "algorithms": dict(Counter(works.values_list("description", flat=True)).most_common()),
        "sha1_kids": named_by_sha1(works).count(),
        "ending": _ending(now).count(),
        "usage_totals": usage_chart.totals(now),
        "refused_most": usage_chart.refused_most(now, days=7, limit=LISTED),
    }


def _ending(now: datetime) -> Any:
    keys = Key.objects.usable(now).filter(
        not_after__lte=now + SOON, retires_at=None, client__status=Client.Status.ACTIVE
    )
    return keys.select_related("client").order_by("not_after")


def _method(key: bool, secret: bool, secret_allowed: bool) -> str:
    by_secret = secret and secret_allowed
    if key:
        return "both" if by_secret else "key_only"
    return "secret_only" if by_secret else "none"


def _methods(counts: dict[str, int]) -> list[dict[str, object]]:
    labels = {
        "key_only": _("Key only"),
        "both": _("Key, and a secret too"),
        "secret_only": _("Secret only"),
        "none": _("Nothing that works"),
    }
    return _shares((label, counts.get(name, 0), f"method={name}") for name, label in labels.items())


def _algorithms(counts: dict[str, int]) -> list[dict[str, object]]:
    known = ((name, name if name in ALGORITHMS else name.partition(" ")[0]) for name in counts)
    return _shares((name, counts[name], urlencode({"algorithm": searched})) for name, searched in known)


def _shares(rows: Iterable[tuple[str, int, str]]) -> list[dict[str, object]]:
    found = list(rows)
    whole, address = sum(count for _label, count, _query in found), reverse("all_clients")
    return [
        {"label": label, "count": count, "whole": whole, "url": f"{address}?state=active&{query}"}
        for label, count, query in found
    ]
