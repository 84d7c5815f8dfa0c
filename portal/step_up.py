"""The step-up (docs/security.md): a code mailed to the registered address, or a passkey; good for fifteen minutes.

A view marked `@step_up_required` answers a POST without one with the code page. That page carries the fields of the
POST along and posts them to the same address together with the code, so nothing typed is lost and no view knows of it.
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from clients import codes, step_up
from clients.models import User
from portal.access import actor
from portal.request import Request

View = Callable[..., HttpResponse]
# Our own fields among those of the interrupted form.
CODE, AGAIN, PASSKEY = "step_up_code", "step_up_again", "step_up_passkey"


def step_up_required(act: str | Promise) -> Callable[[View], View]:
    """`act` says what the code is for, in the page's words: "Show the client secret"."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST" or is_stepped_up(request):
                return view(request, *args, **kwargs)
            has_passkey = passkeys_of(request.user).exists()
            problem, mailed = "", CODE in request.POST
            if AGAIN not in request.POST and (request.POST.get(PASSKEY) or mailed):
                problem = _try(request)
                if not problem:
                    request.POST = _interrupted(request.POST)  # type: ignore[assignment]  # for the view it is the POST
                    return view(request, *args, **kwargs)
            elif AGAIN in request.POST or not has_passkey:
                problem, mailed = _mail_code(request, again=AGAIN in request.POST), True
            return _ask(request, act, problem, mailed=mailed, has_passkey=has_passkey)

        return guarded

    return decorate


def is_stepped_up(request: Request) -> bool:
    """Also a moment after signing in with a passkey, which proves as much."""
    passed = [request.session.get("stepped_up_at", -1.0)]
    records = get_authentication_records(request, request.user)
    passed += [record["at"] for record in records if record.get("passwordless")]
    return any(0 <= request.now.timestamp() - at < settings.STEP_UP_LIFETIME.total_seconds() for at in passed)


def passkeys_of(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).order_by("created_at")


def mark_stepped_up(request: Request, now: datetime) -> None:
    request.session.cycle_key()
    request.session["stepped_up_at"] = now.timestamp()


def _try(request: Request) -> str:
    """Empty when the passkey or the code is right, else what to tell the person."""
    problem = _try_passkey(request) if request.POST.get(PASSKEY) else _try_code(request, request.POST[CODE])
    if not problem:
        mark_stepped_up(request, request.now)
    return problem


def _try_passkey(request: Request) -> str:
    try:
        answer = json.loads(request.POST[PASSKEY])
        auth.parse_authentication_response(answer)
        used = auth.complete_authentication(request.user, answer)
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError):  # a browser can send anything
        return _("This passkey did not work. Try again, or have a code mailed to you.")
    used.record_usage()
    step_up.note_passed(user=request.user, by=actor(request))
    return ""


def _try_code(request: Request, typed: str) -> str:
    if not typed.strip():  # a slip of the finger costs none of the five tries
        return _("Type the six digits from the mail.")
    try:
        step_up.confirm(user=request.user, typed=typed, by=actor(request), now=request.now)
    except codes.CodeRefused as refused:
        if refused.ended:
            return str(codes.EndedForToday())
        if refused.can_retry:
            return _("This is not the code we mailed. Look at the newest mail and type its six digits.")
        return _("This code no longer works. Ask for a new one below.")
    return ""


def _mail_code(request: Request, *, again: bool) -> str:
    try:
        step_up.mail_code(user=request.user, again=again, now=request.now)
    except codes.EndedForToday as ended:
        return str(ended)
    except codes.TooManyCodes:
        return _("We mailed you several codes already. Use the newest one, or try again in an hour.")
    return ""


def _ask(request: Request, act: str | Promise, problem: str, *, mailed: bool, has_passkey: bool) -> HttpResponse:
    context: dict[str, Any] = {
        "act": act,
        "problem": problem,
        "fields": [(name, value) for name, values in _interrupted(request.POST).lists() for value in values],
        "form_has_errors": bool(problem),
        "back": request.path,
        "mailed": mailed or not has_passkey,
    }
    if has_passkey:
        # Without a person: the device then insists on a fingerprint, a face or a PIN.
        context["js_data"] = {"request_options": auth.begin_authentication(user=None)}
    return render(request, "accounts/step_up.html", context, status=422 if problem else 200)


def _interrupted(posted: QueryDict) -> QueryDict:
    """The form as it was sent before we asked for the code."""
    fields = posted.copy()
    for name in (CODE, AGAIN, PASSKEY, "csrfmiddlewaretoken"):
        fields.pop(name, None)
    return fields
