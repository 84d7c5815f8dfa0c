"""The request as our views see it, after the middleware."""

from datetime import datetime

from django.http import HttpRequest

from clients.models import User


class Request(HttpRequest):
    """For type checkers only: what portal/middleware.py puts on Django's request."""

    id: str
    address: str
    now: datetime
    user: User  # type: ignore[assignment]  # signed in: LoginRequiredMiddleware stands before every view but the public
