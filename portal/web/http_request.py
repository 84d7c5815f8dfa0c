"""The HTTP request that views get, after the middleware."""

from datetime import datetime
from typing import cast
from uuid import UUID

from django.http import HttpRequest, QueryDict

from clients.models import User
from tokens.protocol.errors import Allowance


class Request(HttpRequest):
    """Type of the HTTP request with the attributes that portal/guards/middleware.py adds; for type checkers only."""

    id: str
    address: str
    now: datetime
    allowance: Allowance | None = None  # of the client that calls the API (portal/api/limits.py)
    user: User  # signed in, except on public pages (SignInMiddleware)


def prepared(request: HttpRequest) -> Request:
    """Return the same object, typed as after the middleware; for overrides of a library's HttpRequest."""
    return cast(Request, request)


def posted(request: HttpRequest) -> QueryDict | None:
    """Return the data to bind a form to. An empty POST counts, too: the form must show its errors."""
    return request.POST if request.method == "POST" else None


def is_uuid(text: str) -> bool:
    """Return whether the database would accept the text as a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
