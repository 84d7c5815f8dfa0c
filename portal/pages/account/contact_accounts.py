"""Contacts sign in at their organisation's provider, bind the account there, and confirm acts there."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clients.access.management_links import LinkNotUsable
from clients.access.session_store import METHOD, STARTED_AT
from clients.authentication import contact_accounts as acts
from clients.authentication.contact_accounts import Account, AccountOfAnother
from clients.models import ContactAccount, Session, User
from foundation.refusals import Refusal
from portal.explanations.sentences import sentence_of
from portal.forms.links import LinkForm
from portal.guards import step_up
from portal.guards.access import actor, contact
from portal.sign_in import contact_accounts
from portal.sign_in.contact_accounts import START, Provider, ProviderFailed, ways_in
from portal.sign_in.contacts import sign_in
from portal.web import form_rate_limits, kept_forms
from portal.web.http_request import Request
from portal.web.next_page import own_page, wanted
from portal.web.sessions import uid_of

BINDS_WITHIN = timedelta(minutes=15)  # of the begin of a session without an account


@login_not_required
@require_safe
def leave(request: Request, provider_id: str) -> HttpResponse:
    """Redirect to the provider: to sign in, to bind the account there, or for the step-up of an act.

    By GET, because `form-action` of the content security policy would stop the redirect of a form.
    """
    provider = _provider(provider_id)
    # Each way there reads the provider's configuration anew.
    if not request.user.is_authenticated and form_rate_limits.is_over(request):
        messages.error(request, _("Too many requests from your network. Try again in an hour."))
        return redirect("public:landing")
    about: dict[str, Any] = {"again": request.get_full_path(), "page": wanted(request)}
    if step_up.CONFIRM in request.GET:
        about["confirm"] = request.GET[step_up.CONFIRM]
        if not request.user.is_authenticated or kept_forms.get(request, step_up.KIND, about["confirm"]) is None:
            return _too_late(request)
    elif START in request.GET:
        binding = kept_forms.get(request, contact_accounts.BINDING, request.GET[START])
        if binding is None:
            return _too_late(request)
        about |= binding
    try:
        return contact_accounts.leave(request, provider, about, step_up="confirm" in about)
    except ProviderFailed as problem:
        return _failed(request, provider, problem)


@login_not_required
@require_safe
def come_back(request: Request, provider_id: str) -> HttpResponse:
    """Sign in the contact who comes back from the provider; 404 for an account that is not theirs."""
    provider = _provider(provider_id)
    try:
        account, about = contact_accounts.come_back(request, provider)
        if "confirm" in about:
            asked_at = datetime.fromtimestamp(about["at"], UTC)
            return step_up.confirm_at_provider(request, about["confirm"], account, asked_at=asked_at)
        user, page = _person(request, account, about)
    except ProviderFailed as problem:
        return _failed(request, provider, problem)
    except AccountOfAnother as problem:
        raise Http404 from problem
    except Refusal as refusal:
        if not isinstance(refusal, LinkNotUsable):
            messages.error(request, sentence_of(refusal))
            return redirect("public:ask_link")
        return render(request, "public/link_gone.html", {"form": LinkForm()}, status=404)
    sign_in(request, user, method=Session.Method.ACCOUNT)
    return redirect(own_page(page) or "contact:clients")


def _person(request: Request, account: Account, about: dict[str, Any]) -> tuple[User, str]:
    """Return the contact of the account, bound if this is the first time, and the page to open."""
    if contact_accounts.is_of_staff(account):
        raise AccountOfAnother
    by = actor(request)
    if "link" in about:
        link = acts.open_link(link=about["link"], account=account, by=by, now=request.now)
        return link.user, link.target
    if "session" in about:
        if not request.user.is_authenticated or str(uid_of(request)) != about["session"]:
            raise ProviderFailed(about)
        acts.claim(user=request.user, account=account, by=by, now=request.now)
        return request.user, about["page"]
    return acts.sign_in(account=account, by=by, now=request.now), about["page"]


@contact
@require_safe
def continue_with_account(request: Request) -> HttpResponse:
    """Show the way to the provider, where a session by mail or passkey alone shows nothing else.

    Such a session binds an account soon after it began only: a stolen one must not.
    """
    if not settings.CONTACTS_REQUIRE_ACCOUNT or request.session.get(METHOD) == Session.Method.ACCOUNT:
        return redirect(wanted(request) or "contact:clients")
    age = request.now - datetime.fromtimestamp(request.session[STARTED_AT], UTC)
    may_go_on = age < BINDS_WITHIN or ContactAccount.objects.filter(user=request.user).exists()
    page = wanted(request)
    providers = ways_in(request, page=page, session=str(uid_of(request))) if may_go_on else []
    return render(request, "accounts/continue.html", {"providers": providers, "wanted": page})


def _provider(provider_id: str) -> Provider:
    found = [one for one in contact_accounts.providers() if one.id == provider_id]
    if not found:
        raise Http404
    return found[0]


def _too_late(request: Request) -> HttpResponse:
    messages.error(request, _("That page was open for too long. Begin again; nothing was changed."))
    return redirect("public:landing")


def _failed(request: Request, provider: Provider, problem: ProviderFailed) -> HttpResponse:
    """Show that the provider let nobody in: nothing was changed, and a link that was opened there still works."""
    again = str(problem.about.get("again", ""))
    context = {"provider": provider, "again": again, "cancelled": problem.cancelled, "link": "link" in problem.about}
    return render(request, "accounts/account_failed.html", context, status=401 if problem.cancelled else 503)
