"""Browsers in which a member of staff signed in before, known by a signed cookie, so that others cannot lock them out.

The cookie grants no access. It ends with the person's password, and after half a year without a sign-in.
"""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from clients.models import User
from portal.web.http_request import Request

MAX_AGE_S = 180 * 24 * 3600
MAX_PEOPLE = 5  # per browser, the latest ones
MAX_COOKIE_LENGTH = 2000  # characters
SALT = "keydesk.portal.known_devices"


def is_known(request: Request, user: User) -> bool:
    """Return whether this person signed in in this browser before."""
    mark = _marks(request).get(str(user.uid), "")
    return constant_time_compare(mark, _mark(user))


def remember(request: Request, response: HttpResponse, user: User) -> None:
    others = {uid: mark for uid, mark in _marks(request).items() if uid != str(user.uid)}
    marks = dict([*others.items(), (str(user.uid), _mark(user))][-MAX_PEOPLE:])
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(marks, salt=SALT),
        max_age=MAX_AGE_S,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _marks(request: Request) -> dict[str, str]:
    cookie = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    if len(cookie) > MAX_COOKIE_LENGTH:
        return {}
    try:
        marks: dict[str, str] = signing.loads(cookie, salt=SALT, max_age=MAX_AGE_S)
    except signing.BadSignature:
        return {}
    return marks


def _mark(user: User) -> str:
    """Return a mark that changes with the password, also with an unusable one."""
    return salted_hmac(SALT, f"{user.uid}:{user.password}", algorithm="sha256").hexdigest()[:32]
