"""The pages for what went wrong before a view could answer, or while it did."""

import sys

from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

RETRY_AFTER = 30  # seconds, when the database is away


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was opened too long ago, or in a browser that refuses cookies."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Without the database: 503, so that browsers, proxies and monitoring know that it passes (RFC 9110 15.6.4)."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return database_away(request)
    return defaults.server_error(request)


def database_away(request: HttpRequest) -> HttpResponse:
    """Nothing was promised: come again."""
    response = defaults.server_error(request)
    response.status_code = 503
    response["Retry-After"] = str(RETRY_AFTER)
    return response
