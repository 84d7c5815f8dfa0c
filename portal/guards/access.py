"""Access to pages and objects. Each helper returns the object or raises 404, so nothing is fetched unchecked.

An object of others is 404, exactly like one that does not exist (docs/security.md, approval and access).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from clients.actors import ANONYMOUS, Actor
from clients.models import Api, Client, Registration, User
from portal.sign_in.staff import is_strong
from portal.web import browsers, sessions
from portal.web.http_request import Request

View = Callable[..., HttpResponseBase]


def actor(request: Request) -> Actor:
    """Return the actor of this HTTP request, for the change log and the mails about it."""
    user, session = (request.user, sessions.uid_of(request)) if request.user.is_authenticated else (None, None)
    return Actor(
        user=user, address=request.address, request_id=request.id, system=ANONYMOUS, session=session,
        browser=browsers.of(request),
    )  # fmt: skip


def staff(*roles: User.Role) -> Callable[[View], View]:
    """Restrict a page to these staff roles, signed in with a second factor; 404 for everybody else."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.role not in roles:
                raise Http404
            if not is_strong(request):
                return redirect("account:setup")
            return view(request, *args, **kwargs)

        return guarded

    return decorate


security_team = staff(User.Role.SECURITY)
log_readers = staff(User.Role.AUDITOR, User.Role.SECURITY)
api_owner = staff(User.Role.API_OWNER)


def contact(view: View) -> View:
    """Restrict a page to contacts; staff have pages of their own."""

    @wraps(view)
    def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.role != User.Role.CONTACT:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def client_of(request: Request, uid: UUID) -> Client:
    """Return a client that this person is a contact of."""
    return get_object_or_404(Client.objects.of(request.user), uid=uid)


def client_owned_by(request: Request, uid: UUID) -> Client:
    """Return a client of which this person is an owner, not only a manager."""
    return get_object_or_404(Client.objects.owned_by(request.user), uid=uid)


def request_of(request: Request, uid: UUID) -> Registration:
    """Return a request made by this person, or a change of a client that they are a contact of."""
    return get_object_or_404(Registration.objects.by(request.user), uid=uid)


def api_of(request: Request, identifier: str) -> Api:
    """Return an API that this person is an owner of."""
    return get_object_or_404(Api.objects.filter(owners__user=request.user), identifier=identifier)


def client_of_anybody(uid: UUID) -> Client:
    """Return any client, for staff."""
    return get_object_or_404(Client, uid=uid)
