"""Figures over all clients for the Security team's dashboard, counted by the worker and kept in the cache."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Exists, OuterRef, QuerySet

from clients.expiry import EXPIRY_NOTICE
from clients.models import Client, Key, Secret, Trust
from clients.models.credentials import OWN_END
from portal.search.client_search import UNREACHABLE_OWNERS, matching, named_by_sha1
from portal.ui import usage_chart

# Counting a hundred thousand clients exceeds the time of a page, so the worker counts each minute (portal/tasks.py).
MAX_REFUSED_CLIENTS = 10  # with the most refusals
OLD_SECRET_DAYS = 365
FIGURES_LIFETIME_S = 180  # afterwards, without a worker, the page itself counts


def current(now: datetime) -> dict[str, Any]:
    """Return the figures of the last three minutes, or count them now if the worker has not."""
    return cache.get("dashboard") or refresh(now)


def refresh(now: datetime) -> dict[str, Any]:
    """Count over all clients, and cache the figures for the page."""
    figures = _figures(now)
    cache.set("dashboard", figures, FIGURES_LIFETIME_S)
    return figures


def _figures(now: datetime) -> dict[str, Any]:
    """Return the figures as plain values, because the cache keeps JSON."""
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
        "old_secrets": _active_clients(now, secret_age=OLD_SECRET_DAYS).count(),
        "unreachable": _active_clients(now, contacts=UNREACHABLE_OWNERS).count(),
        "ending": sum(rows.count() for rows in (ending(now), ending_secrets(now), ending_trusts(now))),
        "usage_totals": usage_chart.totals(now),
        "refused_most": usage_chart.refused_most(now, days=7, limit=MAX_REFUSED_CLIENTS),
    }


def _active_clients(now: datetime, **chosen: Any) -> QuerySet[Client]:
    """Return those that the list shows with these filters."""
    return matching({"state": Client.Status.ACTIVE, **chosen}, now)


def ending(now: datetime, within: timedelta = EXPIRY_NOTICE) -> QuerySet[Key]:
    """Return the keys of active clients that end by themselves soon, the next end first."""
    keys = Key.objects.expiring(now + within, now=now).filter(client__status=Client.Status.ACTIVE)
    return keys.select_related("client").order_by(OWN_END)


def ending_secrets(now: datetime) -> QuerySet[Secret]:
    """Return the secrets in use of active clients that end soon, the next end first."""
    secrets = Secret.objects.lasting(now).filter(expires_at__lte=now + EXPIRY_NOTICE)
    return secrets.filter(client__status=Client.Status.ACTIVE).select_related("client").order_by("expires_at")


def ending_trusts(now: datetime) -> QuerySet[Trust]:
    """Return the trusts of active clients that end soon, the next end first."""
    trusts = Trust.objects.expiring(now + EXPIRY_NOTICE, now=now).filter(client__status=Client.Status.ACTIVE)
    return trusts.select_related("client", "issuer").order_by("expires_at")


def _method(key: bool, secret: bool, secret_allowed: bool) -> str:
    by_secret = secret and secret_allowed
    if key:
        return "both" if by_secret else "key_only"
    return "secret_only" if by_secret else "none"
