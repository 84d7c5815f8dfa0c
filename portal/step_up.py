"""The step-up: a code mailed to the registered address, good for fifteen minutes (SECURITY.md, sessions).

A view marked `@step_up_required` answers a POST without one with the code page. That page carries the fields of the
POST along and posts them to the same address together with the code, so nothing typed is lost and no view knows of it.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from clients import codes, step_up
from portal.access import actor
from portal.request import Request

View = Callable[..., HttpResponse]
CODE, AGAIN = "step_up_code", "step_up_again"  # our own fields among those of the interrupted form


def step_up_required(act: str | Promise) -> Callable[[View], View]:
    """`act` says what the code is for, in the page's words: "Show the client secret"."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST" or is_stepped_up(request):
                return view(request, *args, **kwargs)
            problem = ""
            if CODE in request.POST and AGAIN not in request.POST:
                problem = _try(request, request.POST[CODE])
                if not problem:
                    request.POST = _interrupted(request.POST)  # type: ignore[assignment]  # for the view it is the POST
                    return view(request, *args, **kwargs)
            else:
                problem = _mail_code(request, again=AGAIN in request.POST)
            return _ask(request, act, problem)

        return guarded

    return decorate


def is_stepped_up(request: Request) -> bool:
    passed = request.session.get("stepped_up_at")
    return passed is not None and 0 <= request.now.timestamp() - passed < settings.STEP_UP_LIFETIME.total_seconds()


def mark_stepped_up(request: Request, now: datetime) -> None:
    request.session.cycle_key()
    request.session["stepped_up_at"] = now.timestamp()


def _try(request: Request, typed: str) -> str:
    """Empty when the code is right, else what to tell the person."""
    try:
        step_up.confirm(user=request.user, typed=typed, by=actor(request), now=request.now)
    except codes.CodeRefused as refused:
        if refused.can_retry:
            return _("This is not the code we mailed. Look at the newest mail and type its six digits.")
        return _("This code no longer works. Ask for a new one below.")
    mark_stepped_up(request, request.now)
    return ""


def _mail_code(request: Request, *, again: bool) -> str:
    try:
        step_up.mail_code(user=request.user, again=again, now=request.now)
    except codes.TooManyCodes:
        return _("We mailed you several codes already. Use the newest one, or try again in an hour.")
    return ""


def _ask(request: Request, act: str | Promise, problem: str) -> HttpResponse:
    fields = [(name, value) for name, values in _interrupted(request.POST).lists() for value in values]
    context = {"act": act, "problem": problem, "fields": fields, "form_has_errors": bool(problem), "back": request.path}
    return render(request, "accounts/step_up.html", context, status=422 if problem else 200)


def _interrupted(posted: QueryDict) -> QueryDict:
    """The form as it was sent before we asked for the code."""
    fields = posted.copy()
    for name in (CODE, AGAIN, "csrfmiddlewaretoken"):
        fields.pop(name, None)
    return fields
