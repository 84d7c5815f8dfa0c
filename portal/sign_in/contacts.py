"""Sign-in of a person: with a mailed link, the code that confirmed their request, or their organisation's account."""

from django.contrib.auth import login

from clients.access.session_store import METHOD
from clients.models import Session, User
from portal.sign_in.allauth_internals import record_authentication
from portal.web import sessions
from portal.web.http_request import Request

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def sign_in(request: Request, user: User, *, method: Session.Method) -> None:
    """Start a new session with a new key; nothing of an earlier one lives on (session fixation).

    allauth's record lets an invited staff member set up a second factor, and has no other effect
    (portal/sign_in/staff.py).
    """
    request.session.flush()
    login(request, user, backend=BACKEND)
    sessions.begin(request)
    request.session[METHOD] = method.value
    record_authentication(request, user, method=method.value)
