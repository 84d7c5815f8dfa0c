"""The step-up (docs/security.md): a code mailed to the registered address, or a passkey, before an act.

A view marked `@may_ask_for_step_up` looks its object up, reads its form, and calls `require` right before the act.
Without a step-up that ends the view: the form is kept in the session, and the page for the code has the same address
with `?confirm=` and its id. With the right code there the view runs again with the kept form. Nothing typed is lost,
Back works, and no code is mailed for an object that does not exist.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from clients.access.guarded_acts import ALWAYS_ASKED, SHOWN_BY_A_FRESH_LINK, Act
from clients.authentication import step_up
from clients.authentication.step_up import Asked
from clients.models import Client, User
from portal.forms.codes import CodeForm
from portal.forms.passkeys import MALFORMED, CredentialDecoder
from portal.guards.access import actor
from portal.guards.refusals import refusals_to
from portal.sign_in.allauth_internals import (
    begin_authentication,
    complete_authentication,
    get_authentication_records,
    parse_authentication_response,
)
from portal.web import kept_forms, sessions
from portal.web.http_request import Request

View = Callable[..., HttpResponse]
CONFIRM = "confirm"  # in the query of the code page's address
CODE, AGAIN, PASSKEY = "code", "again", "passkey"
ANSWERS = {CODE, AGAIN, PASSKEY}  # what the code page posts
PASSED_AT, FRESH_LINK_AT = "stepped_up_at", "fresh_link_at"  # in the session
KIND = "step_up"


class StepUpNeeded(Exception):
    def __init__(self, act: Act, client: Client | None) -> None:
        self.act, self.client = act, client
        super().__init__(act)


@dataclass(frozen=True)
class Waiting:
    """An act that waits for its step-up: the kept form and its id."""

    name: str
    asked: Asked
    form: QueryDict
    back: str  # the page that asked, by GET
    is_mailed: bool  # whether a code was mailed in spite of a passkey


def may_ask_for_step_up(view: View) -> View:
    """Decorate a view that calls `require`: answer with the page for the code, and run the view after the step-up."""

    @wraps(view)
    def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        if CONFIRM in request.GET:
            waiting = _waiting(request)
            if waiting is None and (request.method != "POST" or ANSWERS & request.POST.keys()):
                return redirect(request.path)  # done already, or too long ago
            if waiting and (answer := _ask(request, waiting)):
                return answer
            if waiting:
                request.POST = waiting.form  # type: ignore[assignment]  # for the view it is the POST
        try:
            return view(request, *args, **kwargs)
        except StepUpNeeded as needed:
            return _begin(request, needed)

    return guarded


def require(request: Request, act: Act, client: Client | None = None) -> None:
    """Return if a step-up covers the act; raise StepUpNeeded otherwise."""
    if getattr(request, "stepped_up_for", None) != (act, client) and not _counts(request, act, client):
        raise StepUpNeeded(act, client)


def _counts(request: Request, act: Act, client: Client | None) -> bool:
    """Return whether a recent step-up covers this act, too.

    A code covers further acts on the same client; a sign-in with a passkey those on every client; a link that was
    opened soon after it was mailed covers a few.
    """
    if act in ALWAYS_ASKED:
        return False
    passed = [request.session.get(PASSED_AT, {}).get(str(client.uid) if client else "", -1.0)]
    records = get_authentication_records(request, request.user)
    passed += [record["at"] for record in records if record.get("passwordless")]
    if act in SHOWN_BY_A_FRESH_LINK:
        passed.append(request.session.get(FRESH_LINK_AT, -1.0))
    return any(_is_recent(request, at) for at in passed)


def _is_recent(request: Request, at: float) -> bool:
    return 0 <= request.now.timestamp() - at < settings.STEP_UP_LIFETIME.total_seconds()


def passkeys_of(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).order_by("created_at")


# --- Asking for the code ----------------------------------------------------------------------------------------------
def _begin(request: Request, needed: StepUpNeeded) -> HttpResponse:
    """Keep the form, mail a code unless there is a passkey, and redirect to the page for the code."""
    fields = {name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"}
    client = str(needed.client.uid) if needed.client else ""
    has_passkey = passkeys_of(request.user).exists()
    data = {
        "path": request.path,
        "back": request.get_full_path(),
        "act": needed.act.value,
        "client": client,
        "form": fields,
    }
    try:
        name = kept_forms.keep(request, KIND, {**data, "mailed": not has_passkey})
    except kept_forms.TooLarge:
        messages.error(request, _("This form is too large. Send less at a time."))
        return redirect(request.path)
    if not has_passkey:
        _mail_code(request, _asked(request, needed.act, needed.client), again=False)
    return redirect(f"{request.path}?{CONFIRM}={name}")


def _waiting(request: Request) -> Waiting | None:
    name = request.GET[CONFIRM]
    data = kept_forms.get(request, KIND, name)
    if data is None or data["path"] != request.path:
        return None
    form = QueryDict(mutable=True)
    for field, values in data["form"].items():
        form.setlist(field, values)
    client = Client.objects.of(request.user).filter(uid=data["client"]).first() if data["client"] else None
    if data["client"] and client is None:
        return None
    return Waiting(name, _asked(request, Act(data["act"]), client), form, data["back"], data["mailed"])


def _asked(request: Request, act: Act, client: Client | None) -> Asked:
    return Asked(user=request.user, session=sessions.uid_of(request), act=act, client=client)


def _mail_code(request: Request, asked: Asked, *, again: bool) -> None:
    with refusals_to(request):
        step_up.mail_code(asked=asked, again=again, by=actor(request), now=request.now)


def _ask(request: Request, waiting: Waiting) -> HttpResponse | None:
    """Return the page for the code; None after the right code or passkey, so that the act goes on."""
    if request.method != "POST":
        return _page(request, waiting, CodeForm())
    if AGAIN in request.POST:
        _mail_code(request, waiting.asked, again=True)
        kept_forms.change(request, waiting.name, mailed=True)
        return redirect(request.get_full_path())
    form = CodeForm(request.POST)
    is_right = _try_passkey(request, waiting, form) if request.POST.get(PASSKEY) else _try_code(request, waiting, form)
    if not is_right:
        return _page(request, waiting, form)
    _note_passed(request, waiting)
    return None


def _page(request: Request, waiting: Waiting, form: CodeForm) -> HttpResponse:
    asked, has_passkey = waiting.asked, passkeys_of(request.user).exists()
    form.show_limits(asked.code(), request.now)
    context: dict[str, Any] = {
        "form": form,
        "act": asked.act.label,
        "client": asked.client,
        "counts_once": asked.act in ALWAYS_ASKED,
        "minutes": int(settings.STEP_UP_LIFETIME.total_seconds() // 60),
        "back": waiting.back,
        "mailed": waiting.is_mailed or not has_passkey,
    }
    if has_passkey:
        # Without a person, so that the device insists on a fingerprint, a face or a PIN.
        context["js_data"] = {"request_options": begin_authentication(user=None)}
    return render(request, "accounts/step_up.html", context, status=422 if form.errors else 200)


# --- Checking the code ------------------------------------------------------------------------------------------------
def _try_code(request: Request, waiting: Waiting, form: CodeForm) -> bool:
    if not form.is_valid():  # a malformed code does not count as a try
        return False
    with refusals_to(form, "code"):
        step_up.confirm(asked=waiting.asked, typed=form.cleaned_data[CODE], by=actor(request), now=request.now)
    return form.is_valid()


def _try_passkey(request: Request, waiting: Waiting, form: CodeForm) -> bool:
    form.errors.clear()  # the field for the code is empty
    try:
        answer = json.loads(request.POST[PASSKEY], cls=CredentialDecoder)
        parse_authentication_response(answer)
        used = complete_authentication(request.user, answer)
    except (*MALFORMED, ValidationError):  # a browser can send anything
        step_up.note_failed(asked=waiting.asked, how="passkey", by=actor(request))
        form.add_error(None, _("This passkey did not work. Try again, or have a code mailed to you."))
        return False
    used.record_usage()
    step_up.note_passed(asked=waiting.asked, by=actor(request))
    return True


def _note_passed(request: Request, waiting: Waiting) -> None:
    """Record the step-up for this act, and for a while for others on the same client."""
    asked, session = waiting.asked, request.session
    kept_forms.drop(request, waiting.name)
    session.cycle_key()
    passed = {name: at for name, at in session.get(PASSED_AT, {}).items() if _is_recent(request, at)}
    session[PASSED_AT] = {**passed, str(asked.client.uid) if asked.client else "": request.now.timestamp()}
    request.stepped_up_for = (asked.act, asked.client)  # type: ignore[attr-defined]  # only here
