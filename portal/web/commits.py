"""Read-only pages while commits wait for a standby (tokens/storage/lease.py).

A change would hold its thread and a connection until a standby is back.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.web.error_pages import database_away
from portal.web.http_request import Request

COMMITS_WAIT = "keydesk.commits_wait"  # in the WSGI environment, by portal/serving/asgi.py


def commits_wait(request: HttpRequest) -> bool:
    return bool(request.META.get(COMMITS_WAIT))


class CommitsMiddleware:
    """Answer HTTP requests that may change something with 503, without delay."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if commits_wait(request) and request.method not in ("GET", "HEAD", "OPTIONS"):
            return database_away(request)
        return self.get_response(request)
