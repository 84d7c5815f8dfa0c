"""Pages for errors before or in a view."""

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from portal.web.outages import is_outage, leave_server

RETRY_AFTER = 30  # seconds, when the database is away


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 for a form that was open too long, or for a browser that refuses cookies."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 without the database, which marks the failure as temporary (RFC 9110 section 15.6.4)."""
    if is_outage(sys.exception()):
        leave_server()
        return database_away(request)
    return defaults.server_error(request)


def database_away(request: HttpRequest) -> HttpResponse:
    """Answer 503 with a time to retry after."""
    response = defaults.server_error(request)
    response.status_code = 503
    response["Retry-After"] = str(RETRY_AFTER)
    return response
