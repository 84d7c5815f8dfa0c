"""Prometheus metrics of pages, by view and status."""

from __future__ import annotations

from django.http import HttpRequest
from prometheus_client import Histogram

PAGE_SECONDS = Histogram(
    "keydesk_page_seconds",
    "Time to answer a page, by the name of its address and by status; view is empty for addresses that do not exist.",
    ["view", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 12),
)


def observe(request: HttpRequest, status: int, seconds: float) -> None:
    """Count an answered HTTP request. Names come from our own addresses, so a stranger cannot add any."""
    view = request.resolver_match.view_name if request.resolver_match else ""
    PAGE_SECONDS.labels(view, str(status)).observe(seconds)
