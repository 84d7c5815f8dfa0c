"""Sign-in of a person by mail: with the link, or with the code that confirmed their request."""

from django.contrib.auth import login

from clients.models import User
from portal.sign_in.allauth_internals import record_authentication
from portal.web import sessions
from portal.web.http_request import Request

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def sign_in(request: Request, user: User, *, assurance: str) -> None:
    """Start a new session with a new key; nothing of an earlier one lives on (session fixation).

    `assurance` is "link" or "code". allauth's record lets an invited staff member set up a second factor, and has no
    other effect (portal/sign_in/staff.py).
    """
    request.session.flush()
    login(request, user, backend=BACKEND)
    sessions.begin(request)
    request.session["assurance"] = assurance
    record_authentication(request, user, method=assurance)
