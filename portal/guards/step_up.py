"""The step-up (docs/security.md): a mailed code, a passkey or the contact's account, before an act.

A view marked `@may_ask_for_step_up` looks its object up, reads its form, and calls `require` right before the act.
Without a step-up that ends the view: the form is kept in the session, and the page for the code has the same address
with `?confirm=` and its id. With the right code there the view runs again with the kept form. Nothing typed is lost,
Back works, and no code is mailed for an object that does not exist. A contact with an account leaves for its provider
and comes back to the page for the code, whose button then goes on with the act.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _

from clients.access.guarded_acts import ALWAYS_ASKED, SHOWN_BY_A_FRESH_LINK, Act
from clients.authentication import step_up
from clients.authentication.contact_accounts import Account, AccountOfAnother, check_step_up
from clients.authentication.step_up import Asked
from clients.models import Client, ContactAccount, User
from portal.forms.codes import CodeForm
from portal.forms.passkeys import MALFORMED, CredentialDecoder
from portal.guards.access import actor
from portal.guards.refusals import refusals_to
from portal.sign_in import contact_accounts
from portal.sign_in.allauth_internals import (
    begin_authentication,
    complete_authentication,
    get_authentication_records,
    parse_authentication_response,
)
from portal.sign_in.contact_accounts import Provider
from portal.web import kept_forms, sessions
from portal.web.http_request import Request

View = Callable[..., HttpResponse]
CONFIRM = "confirm"  # in the query of the code page's address
CODE, AGAIN, PASSKEY, ACCOUNT = "code", "again", "passkey", "account"
ANSWERS = {CODE, AGAIN, PASSKEY, ACCOUNT}  # what the code page posts
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
    is_mailed: bool  # whether a code was mailed
    account_at: float  # when the person confirmed at their account's provider, as a timestamp; 0: not yet


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


def _provider_of(user: User) -> Provider | None:
    """Return the provider of the person's account, if they have one and it is still in the settings."""
    bound = ContactAccount.objects.filter(user=user).first()
    return next((one for one in contact_accounts.providers() if bound and one.issuer == bound.issuer), None)


def confirm_at_provider(request: Request, name: str, account: Account, *, asked_at: datetime) -> HttpResponse:
    """Note at the kept form of this id that the person confirmed with their account, and redirect to its page.

    Raises contact_accounts.AccountOfAnother.
    """
    data = kept_forms.get(request, KIND, name)
    provider = _provider_of(request.user) if request.user.is_authenticated else None
    if data is None or provider is None:
        messages.error(request, _("That page was open for too long. Begin again; nothing was changed."))
        return redirect("public:landing")
    with refusals_to(request, but=AccountOfAnother) as refused:
        check_step_up(
            user=request.user, account=account, acr_values=provider.acr_values, asked_at=asked_at, now=request.now
        )
        kept_forms.change(request, name, account_at=request.now.timestamp())
    if refused.refusal:
        client = Client.objects.of(request.user).filter(uid=data["client"]).first() if data["client"] else None
        step_up.note_failed(asked=_asked(request, Act(data["act"]), client), how="account", by=actor(request))
    return redirect(_address(data["back"], name))


# --- Asking for the code ----------------------------------------------------------------------------------------------
def _begin(request: Request, needed: StepUpNeeded) -> HttpResponse:
    """Keep the form, mail a code unless there is another way, and redirect to the page for the code."""
    fields = {name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"}
    client = str(needed.client.uid) if needed.client else ""
    needs_code = not passkeys_of(request.user).exists() and _provider_of(request.user) is None
    back = _page_that_asked(request)
    data = {
        "path": request.path,
        "back": back,
        "act": needed.act.value,
        "client": client,
        "form": fields,
    }
    try:
        name = kept_forms.keep(request, KIND, {**data, "mailed": needs_code, "account_at": 0})
    except kept_forms.TooLarge:
        messages.error(request, _("This form is too large. Send less at a time."))
        return redirect(request.path)
    if needs_code:
        _mail_code(request, _asked(request, needed.act, needed.client), again=False)
    return redirect(_address(back, name))


def _page_that_asked(request: Request) -> str:
    """Return its address with its query, which the act needs after the step-up, but without a kept form's id."""
    query = request.GET.copy()
    query.pop(CONFIRM, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _address(back: str, name: str) -> str:
    """Return the address of the page for the code."""
    return f"{back}{'&' if '?' in back else '?'}{CONFIRM}={name}"


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
    asked = _asked(request, Act(data["act"]), client)
    return Waiting(name, asked, form, data["back"], data["mailed"], data.get("account_at", 0))


def _asked(request: Request, act: Act, client: Client | None) -> Asked:
    return Asked(user=request.user, session=sessions.uid_of(request), act=act, client=client)


def _mail_code(request: Request, asked: Asked, *, again: bool) -> None:
    with refusals_to(request):
        step_up.mail_code(asked=asked, again=again, by=actor(request), now=request.now)


def _ask(request: Request, waiting: Waiting) -> HttpResponse | None:
    """Return the page for the code; None after the right code or passkey, so that the act goes on."""
    if request.method != "POST":
        return _page(request, waiting, CodeForm())
    if AGAIN in request.POST and not settings.CONTACTS_REQUIRE_ACCOUNT:
        _mail_code(request, waiting.asked, again=True)
        kept_forms.change(request, waiting.name, mailed=True)
        return redirect(request.get_full_path())
    form = CodeForm(request.POST)
    way = next((way for way in (ACCOUNT, PASSKEY) if request.POST.get(way)), CODE)
    if not {ACCOUNT: _try_account, PASSKEY: _try_passkey, CODE: _try_code}[way](request, waiting, form):
        return _page(request, waiting, form)
    _note_passed(request, waiting)
    return None


def _page(request: Request, waiting: Waiting, form: CodeForm) -> HttpResponse:
    asked, has_passkey, provider = waiting.asked, passkeys_of(request.user).exists(), _provider_of(request.user)
    form.show_limits(asked.code(), request.now)
    context: dict[str, Any] = {
        "form": form,
        "act": asked.act.label,
        "client": asked.client,
        "counts_once": asked.act in ALWAYS_ASKED,
        "minutes": int(settings.STEP_UP_LIFETIME.total_seconds() // 60),
        "back": waiting.back,
        "mailed": waiting.is_mailed or not (has_passkey or provider),
        "provider": provider,
        "confirmed": _is_recent(request, waiting.account_at),
        "no_codes": settings.CONTACTS_REQUIRE_ACCOUNT,
    }
    if provider:
        context["provider_url"] = f"{resolve_url('account:with', provider.id)}?{CONFIRM}={waiting.name}"
    if has_passkey and not context["confirmed"]:
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


def _try_account(request: Request, waiting: Waiting, form: CodeForm) -> bool:
    form.errors.clear()  # the field for the code is empty
    if not _is_recent(request, waiting.account_at):
        form.add_error(None, _("Confirm with your account first."))
        return False
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
