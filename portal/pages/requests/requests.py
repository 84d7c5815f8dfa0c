"""Requests for a client by contacts: ask, confirm by mailed code, follow, answer, withdraw."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.acts import client_requests
from clients.models import Registration, Scope, Session
from clients.team import standing
from portal.flows.messages import send_message
from portal.forms.codes import CodeForm
from portal.forms.requests import ChangeContentForm, MessageForm, NewContentForm, RequestForm, filled_from
from portal.guards.access import actor, contact, request_of
from portal.guards.refusals import refusals_to
from portal.sign_in.contacts import sign_in
from portal.ui import field_rows
from portal.web import form_rate_limits
from portal.web.http_request import Request, posted

PENDING = "pending_request"  # session key of the request that this browser made and may confirm


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_client(request: Request) -> HttpResponse:
    unconfirmed = None if "empty" in request.GET else _unconfirmed(request)
    form = RequestForm(posted(request), scopes=Scope.objects.offered(), initial=_known(request, unconfirmed))
    if form.is_valid() and not _is_over_the_limit(request, form):
        registration = _submit(request, form)
        if registration:
            request.session[PENDING] = str(registration.uid)
            return redirect("public:confirm_request", registration.uid)
    context = {"form": form, "unconfirmed": unconfirmed}
    return render(request, "public/request.html", context, status=422 if form.errors else 200)


def _unconfirmed(request: Request) -> Registration | None:
    """Return the unconfirmed request sent by this browser, if any.

    For a contact who goes back, mistyped the address or lost the page for the code.
    """
    waiting = Registration.objects.filter(
        status=Registration.Status.UNCONFIRMED, created_at__gt=request.now - settings.SESSION_IDLE_LIMIT
    )
    return waiting.filter(uid=request.session[PENDING]).first() if PENDING in request.session else None


def _known(request: Request, unconfirmed: Registration | None) -> dict[str, object]:
    """Return the initial values that the form need not ask again."""
    if unconfirmed:
        return filled_from(unconfirmed)
    if request.user.is_authenticated:
        return {"contact_name": request.user.name, "contact_email": request.user.email}
    return {}


def _is_over_the_limit(request: Request, form: RequestForm | CodeForm) -> bool:
    over = form_rate_limits.is_over(request)
    if over:
        form.add_error(None, _("Too many requests from your network. Try again in an hour."))
    return over


def _submit(request: Request, form: RequestForm) -> Registration | None:
    content = form.content(
        contact_name=form.cleaned_data["contact_name"], contact_email=form.cleaned_data["contact_email"]
    )
    with refusals_to(form, "contact_email"):
        return client_requests.submit(
            content=content, language=get_language() or "", by=actor(request), now=request.now
        )
    return None


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_request(request: Request, uid: UUID) -> HttpResponse:
    """Confirm the address by its code; only then does the Security team see the request.

    The page does not disclose whether the address is known; after the right code a known person is mailed a link.
    """
    if request.user.is_authenticated and Registration.objects.by(request.user).filter(uid=uid).exists():
        return redirect("contact:request", uid)
    registration = get_object_or_404(Registration, uid=uid)
    if request.session.get(PENDING) != str(uid) and registration.program_id is None:  # a program's: by the mail
        raise Http404
    if registration.status != Registration.Status.UNCONFIRMED:
        sent = {"registration": registration, "standing": standing.of(registration, request.now)}
        return render(request, "public/request_sent.html", sent)
    if "again" in request.POST:
        _mail_code_again(request, registration)
        return redirect("public:confirm_request", uid)
    form = CodeForm(posted(request))
    if form.is_valid() and not _is_over_the_limit(request, form) and _confirm(request, registration, form):
        return redirect("contact:request" if request.user == registration.requester else "public:confirm_request", uid)
    form.show_limits(registration.codes.order_by("-created_at").first(), request.now)
    context = {"form": form, "registration": registration}
    return render(request, "public/confirm_request.html", context, status=422 if form.errors else 200)


def _mail_code_again(request: Request, registration: Registration) -> None:
    if form_rate_limits.is_over(request):
        messages.error(request, _("Too many requests from your network. Try again in an hour."))
        return
    with refusals_to(request):
        client_requests.mail_code(registration=registration, now=request.now)
        messages.info(request, _("A new code is on its way. Earlier codes no longer work."))


def _confirm(request: Request, registration: Registration, form: CodeForm) -> bool:
    typed = form.cleaned_data["code"]
    with refusals_to(form, "code"):
        confirmed = client_requests.confirm(registration=registration, typed=typed, by=actor(request), now=request.now)
        if not confirmed.is_known:
            sign_in(request, confirmed.user, method=Session.Method.CODE)
            number = {"number": registration.number}
            messages.success(request, _("Your request is with the Security team. Its number is %(number)s.") % number)
    return form.is_valid()


@contact
@require_safe
def my_requests(request: Request) -> HttpResponse:
    mine = Registration.objects.by(request.user).select_related("client").prefetch_related("scopes")
    return render(request, "contact/requests.html", {"registrations": mine[:100]})


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def my_request(request: Request, uid: UUID) -> HttpResponse:
    registration = request_of(request, uid)
    form = MessageForm(posted(request))
    if form.is_valid() and _write(request, registration, form):
        return redirect("contact:request", uid)
    context = {
        "registration": registration,
        "standing": standing.of(registration, request.now),
        "differences": field_rows.differences(registration) if registration.is_open else [],
        "rows": field_rows.rows(registration),
        "asked": registration.asked.select_related("scope__api"),
        "thread": registration.messages.select_related("author"),
        "form": form,
    }
    return render(request, "contact/request.html", context, status=422 if form.errors else 200)


def _write(request: Request, registration: Registration, form: MessageForm) -> bool:
    """Send the contact's message; return False, with the reason in the form, if refused."""
    if not registration.is_open:
        form.add_error(None, _("The request was decided or withdrawn meanwhile, and your message was not sent."))
        return False
    if not send_message(request, registration, form):
        return False
    messages.success(request, _("Your message is with the Security team."))
    return True


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def edit_request(request: Request, uid: UUID) -> HttpResponse:
    """Answer "changes asked" in the same form, filled with what was sent before."""
    registration = request_of(request, uid)
    if registration.status != Registration.Status.CHANGES_REQUESTED:
        return redirect("contact:request", uid)
    kind = ChangeContentForm if registration.kind == Registration.Kind.CHANGE else NewContentForm
    held = registration.client.scopes.all() if registration.client else None
    form = kind(posted(request), scopes=Scope.objects.offered(held), initial=filled_from(registration))
    if form.is_valid():
        content = form.content(contact_name=registration.contact_name, contact_email=registration.contact_email)
        with refusals_to(request):
            client_requests.resubmit(registration=registration, content=content, by=actor(request), now=request.now)
            messages.success(request, _("Your request is with the Security team again."))
        return redirect("contact:request", uid)
    context = {"form": form, "registration": registration, "asked_for": registration.messages.last()}
    return render(request, "contact/edit_request.html", context, status=422 if form.errors else 200)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_request(request: Request, uid: UUID) -> HttpResponse:
    registration = request_of(request, uid)
    if not registration.is_open:
        return redirect("contact:request", uid)
    if request.method != "POST":
        return render(request, "contact/withdraw.html", {"registration": registration})
    with refusals_to(request):
        client_requests.withdraw(registration=registration, by=actor(request), now=request.now)
        messages.success(request, _("You withdrew the request."))
    return redirect("contact:request", uid)
