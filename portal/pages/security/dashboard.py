"""The Security team's dashboard: what needs a person first, then ways to sign in, keys near their end, and refusals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clients.models import Client, Mail, Registration
from portal.forms.client_lists import ALGORITHMS
from portal.guards.access import security_team
from portal.pages.security import needs
from portal.search import client_figures
from portal.search.client_search import SHA1, UNREACHABLE_OWNERS
from portal.ui import usage_chart
from portal.ui.client_health import expires_in
from portal.web.http_request import Request

MAX_EXPIRING = 10  # keys, secrets and trusts


@security_team
@require_safe
def dashboard(request: Request) -> HttpResponse:
    figures: dict[str, Any] = client_figures.current(request.now)
    waiting = Registration.objects.awaiting_review()
    context = {
        **figures,
        "usage": usage_chart.of_totals(figures["usage_totals"], request.now),
        "waiting": waiting.count(),
        "oldest_at": waiting.values_list("submitted_at", flat=True).first(),
        "needs": needs.first(request.user, request.now),
        "undelivered": Mail.objects.undeliverable().count(),
        "expiring": _expiring(request.now),
        "methods": _methods(figures["methods"]),
        "algorithms": _algorithms(figures["algorithms"]),
        "old_secret_days": client_figures.OLD_SECRET_DAYS,
        "unreachable_owners": UNREACHABLE_OWNERS,
        "sha1_url": f"{reverse('security:clients')}?state=active&algorithm={SHA1}",
    }
    return render(request, "security/dashboard.html", context)


@dataclass(frozen=True)
class Expiring:
    """A key, secret or trust of an active client near its end."""

    client: Client
    what: str
    name: str
    at: datetime
    status: str


def _expiring(now: datetime) -> list[Expiring]:
    """Return the next ends of keys, secrets and trusts: a query for each kind."""
    ends: list[tuple[Client, str, str, datetime | None]] = [
        *((key.client, f"{key.get_kind_display()}, {key.description}", key.kid, key.own_end)
          for key in client_figures.ending(now)[:MAX_EXPIRING]),
        *((secret.client, _("Secret"), f"…{secret.hint}", secret.expires_at)
          for secret in client_figures.ending_secrets(now)[:MAX_EXPIRING]),
        *((trust.client, _("Trust"), trust.issuer.name, trust.expires_at)
          for trust in client_figures.ending_trusts(now)[:MAX_EXPIRING]),
    ]  # fmt: skip
    rows = [Expiring(client, what, name, at, expires_in(at, now)) for client, what, name, at in ends if at]
    return sorted(rows, key=lambda row: row.at)[:MAX_EXPIRING]


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
    whole, address = sum(count for _label, count, _query in found), reverse("security:clients")
    return [
        {"label": label, "count": count, "whole": whole, "url": f"{address}?state=active&{query}"}
        for label, count, query in found
    ]
