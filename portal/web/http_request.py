"""The request as our views see it, after the middleware."""

from datetime import datetime
from typing import cast
from uuid import UUID

from django.http import HttpRequest, QueryDict

from clients.models import User


class Request(HttpRequest):
    """For type checkers only: what portal/guards/middleware.py puts on Django's request."""

    id: str
    address: str
    now: datetime
    user: User  # signed in: SignInMiddleware stands before every view but the public


def prepared(request: HttpRequest) -> Request:
    """Return the same object, typed as after the middleware; for overrides of a library's HttpRequest."""
    return cast(Request, request)


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: an empty POST is an answer too, and must show its errors."""
    return request.POST if request.method == "POST" else None


def is_uuid(text: str) -> bool:
    """Whether a database would take it for one."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
