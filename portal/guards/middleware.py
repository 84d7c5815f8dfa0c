"""Middleware of every page: a request id, limits of the session, the reader's time zone."""

import uuid
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from foundation.ip_addresses import client_address
from foundation.request_ids import proxy_request_id, proxy_trace_id
from portal.sign_in.contact_accounts import is_without_needed_account
from portal.sign_in.staff import had_second_factor, may_only_set_up
from portal.web import page_metrics, sessions
from portal.web.http_request import Request
from portal.web.next_page import NAME as NEXT

GetResponse = Callable[[Request], HttpResponse]

access_log = structlog.get_logger("portal.access")
sign_in_log = structlog.get_logger("portal.sign_in")


class RequestContextMiddleware:
    """Give the HTTP request an id and an address, also in its log lines; write its line of the access log."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        began = perf_counter()
        given = proxy_request_id(request.META.get("HTTP_X_REQUEST_ID", ""), settings.TRUSTED_PROXY_COUNT)
        request.id = given or uuid.uuid4().hex
        request.address = client_address(
            request.META.get("REMOTE_ADDR", ""),
            request.META.get("HTTP_X_FORWARDED_FOR", ""),
            settings.TRUSTED_PROXY_COUNT,
        )
        request.now = datetime.now(UTC)
        # Bound until the next HTTP request of this thread: Django logs a 4xx after the last middleware has returned.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id, address=request.address)
        if trace_id := proxy_trace_id(request.META.get("HTTP_TRACEPARENT", ""), settings.TRUSTED_PROXY_COUNT):
            structlog.contextvars.bind_contextvars(trace_id=trace_id)
        response = self.get_response(request)
        response["X-Request-Id"] = request.id
        # Pages hold names, key ids and sometimes a secret, so no cache may keep them. Static files set their own
        # header.
        response.headers.setdefault("Cache-Control", "no-store")
        seconds = perf_counter() - began
        page_metrics.observe(request, response.status_code, seconds)
        # Without the query, which holds search texts, and without the token of a management link.
        access_log.info(
            "answered",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 2),
        )
        return response


class OriginMiddleware:
    """Make Django's CSRF check work with `Referrer-Policy: no-referrer`; placed before it.

    Under that policy a browser sends `Origin: null` with a form, also to the form's own site (Fetch standard, "append a
    request Origin header"). Sec-Fetch-Site, which no page can set, then tells our own forms from others'. The token is
    checked as usual.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if request.headers.get("Origin") == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin":
            request.META["HTTP_ORIGIN"] = f"{request.scheme}://{request.get_host()}"
        return self.get_response(request)


class SessionLimitsMiddleware:
    """End a session that was idle for an hour or is older than eight, and record where each one is used."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if request.user.is_authenticated:
            self._limit(request)
        response = self.get_response(request)
        if request.user.is_authenticated:  # also by this very request
            sessions.begin(request)
        return response

    def _limit(self, request: Request) -> None:
        sessions.begin(request)
        if min(sessions.left(request).values()) <= 0:
            sign_in_log.info("session_ended", user=request.user.audit_id, seconds_left=sessions.left(request))
            logout(request)
        elif not sessions.is_poll(request):
            sessions.note_use(request)


class SignInMiddleware(LoginRequiredMiddleware):
    """Redirect anonymous users to the sign-in; warn when their POST was discarded."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> HttpResponseRedirect:
        if request.method == "POST":
            problem = _("You had been signed out. Your form was not processed: sign in and send it again.")
            messages.error(request, problem, extra_tags="lost")
        return super().handle_no_permission(request, view_func)


class StaffSessionMiddleware:
    """Restrict a staff session without a second factor to the pages where one is set up.

    Otherwise a mailed link, even with the password, would be enough to reach allauth's pages and to replace an existing
    second factor (docs/security.md, approval and access).
    """

    SET_UP: frozenset[str | None] = frozenset(
        ("account:setup", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes",
         "mfa_download_recovery_codes", "account_reauthenticate", "account_login")
    )  # fmt: skip

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Request, *_view: object) -> HttpResponse | None:
        page = request.resolver_match.view_name if request.resolver_match else None
        if not may_only_set_up(request) or page in ("account:sign_out", "account:set_language"):
            return None
        if had_second_factor(request):
            logout(request)
            messages.error(request, _("You have a second factor already. Sign in with it."))
            return redirect("account_login")
        has_nothing_to_confirm_with = page == "account_reauthenticate" and not request.user.has_usable_password()
        return None if page in self.SET_UP and not has_nothing_to_confirm_with else redirect("account:setup")


class ContactSessionMiddleware:
    """Close allauth's pages for second factors to contacts, who have portal/pages/account/passkeys.py.

    Otherwise a thief of a contact's link could add a passkey, and sign in long after the link has expired. Where
    contacts need an account, a session without one opens no page but the one that leads to the provider.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Request, view: Callable[..., Any], *_arguments: object) -> HttpResponse | None:
        page = (request.resolver_match.view_name if request.resolver_match else None) or ""
        is_contact = request.user.is_authenticated and not request.user.is_staff_member
        if is_contact and page.startswith(("mfa_", "account_reauth")) and page != "mfa_login_webauthn":
            raise Http404
        needs_sign_in = getattr(view, "login_required", True)
        if needs_sign_in and page != "account:continue" and is_without_needed_account(request):
            wanted = {NEXT: request.get_full_path()} if request.method in ("GET", "HEAD") else {}
            return redirect(f"{resolve_url('account:continue')}?{urlencode(wanted)}")
        return None


class FormErrorsMiddleware:
    """Answer 422 to a form with errors, as our views do; allauth's answer 200.

    Our functions render at once, so only views that return a TemplateResponse come here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        return self.get_response(request)

    def process_template_response(self, request: Request, response: TemplateResponse) -> TemplateResponse:
        shown = (response.context_data or {}).values()
        if response.status_code == 200 and any(isinstance(form, BaseForm) and form.errors for form in shown):
            response.status_code = 422
        return response


class LocalisationMiddleware:
    """Show times in the reader's zone: the browser's, kept in a cookie by keydesk.js, else the site's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        try:
            zone = zoneinfo.ZoneInfo(request.COOKIES.get("keydesk-timezone") or settings.TIME_ZONE)
        except (KeyError, ValueError, OSError):  # a cookie can hold anything
            zone = zoneinfo.ZoneInfo(settings.TIME_ZONE)
        with timezone.override(zone):
            return self.get_response(request)
