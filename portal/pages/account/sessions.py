"""List and end a person's own sessions."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.authentication import sessions as acts
from portal.guards.access import actor
from portal.web.http_request import Request
from portal.web.sessions import left, uid_of


@require_safe
def sessions(request: Request) -> HttpResponse:
    """List the sessions of a contact or a member of staff."""
    context = {"sessions": request.user.sessions.alive(request.now), "here": uid_of(request), "now": request.now}
    return render(request, "accounts/sessions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def end_session(request: Request, uid: UUID) -> HttpResponse:
    """End a session; for this browser's own, sign out."""
    if request.method != "POST":
        return redirect("account:sessions")
    if acts.end(user=request.user, uid=uid, by=actor(request), now=request.now):
        messages.success(request, _("That session has ended."))
    else:
        messages.info(request, _("That session had ended already."))
    return _out(request, _("You are signed out.")) if uid == uid_of(request) else redirect("account:sessions")


@require_http_methods(["GET", "HEAD", "POST"])
def end_sessions(request: Request) -> HttpResponse:
    """End all sessions, or all others."""
    if request.method != "POST":
        return redirect("account:sessions")
    others_only = request.POST.get("which") == "others"
    acts.end_all(user=request.user, keep=uid_of(request) if others_only else None, by=actor(request), now=request.now)
    if others_only:
        messages.success(request, _("You are signed in here only. Links that you did not open no longer work."))
        return redirect("account:sessions")
    return _out(request, _("You are signed out everywhere. Links that you did not open no longer work."))


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def session_ends(request: Request) -> JsonResponse:
    """Return the seconds left, for the notice before the end; a POST postpones it (portal/guards/middleware.py)."""
    return JsonResponse(left(request) if request.user.is_authenticated else {"idle": 0, "last": 0})


def _out(request: Request, message: str) -> HttpResponse:
    logout(request)
    messages.success(request, message)
    return redirect("public:landing")
