"""Browsers in which a member of staff signed in before, by a signed cookie: strangers' failures do not lock them out.

The cookie opens nothing. It ends with the password of the person, and after half a year without a sign-in.
"""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from clients.models import User
from portal.web.http_request import Request

MAX_AGE_S = 180 * 24 * 3600
MAX_PEOPLE = 5  # of one browser, the last ones
MAX_COOKIE_LENGTH = 2000  # characters
SALT = "keydesk.portal.known_devices"


def is_known(request: Request, user: User) -> bool:
    """Whether this person signed in in this browser before."""
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
    """Another one after each change of the password, also of one that is not usable."""
    return salted_hmac(SALT, f"{user.uid}:{user.password}", algorithm="sha256").hexdigest()[:32]
