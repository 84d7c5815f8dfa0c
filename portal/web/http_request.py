"""The request as our views see it, after the middleware."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, QueryDict

from clients.models import User


class Request(HttpRequest):
    """For type checkers only: what portal/guards/middleware.py puts on Django's request."""

    id: str
    address: str
    now: datetime
    user: User  # type: ignore[assignment]  # signed in: SignInMiddleware stands before every view but the public


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
