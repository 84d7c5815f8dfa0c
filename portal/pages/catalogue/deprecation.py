"""A scope that ends on a date: announce it, see who still holds and uses it, withdraw it (docs/decisions/0035)."""

from collections.abc import Iterator
from datetime import datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.acts import exports
from clients.acts.four_eyes import NeedsColleague
from clients.acts.scopes import deprecation as acts
from clients.models import Client, ClientContact, Proposal, Scope
from portal.flows.proposals import propose
from portal.forms.reason import ReasonForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.pages.catalogue.catalogue_forms import DeprecationForm
from portal.web import csv_download
from portal.web.http_request import Request, posted
from tokens.acts.uses import scope_uses

PAGE_SIZE = 30
EXPORT_CHUNK = 500  # holders per round trip of the export


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def deprecation(request: Request, pk: int) -> HttpResponse:
    """Show how far the holders of a deprecated scope are; deprecate one that is not, or propose it."""
    scope = get_object_or_404(Scope.objects.select_related("api", "successor"), pk=pk)
    if scope.deprecated_at is not None:
        return _progress(request, scope)
    if scope.retired_at is not None or scope.is_built_in:
        return redirect("security:scopes")
    waiting = Proposal.objects.waiting(request.now).filter(scope=scope, kind=Proposal.Kind.SCOPE_DEPRECATED).first()
    if waiting is not None:
        return redirect("security:proposal", waiting.uid)
    form = DeprecationForm(posted(request), scope=scope)
    if form.is_valid() and (done := _deprecate(request, scope, form)):
        return done
    context = {"scope": scope, "form": form, "holders": scope.holders.count()}
    return render(request, "security/deprecate_scope.html", context, status=422 if form.errors else 200)


def _deprecate(request: Request, scope: Scope, form: DeprecationForm) -> HttpResponse | None:
    """Deprecate the scope, or propose it if clients hold it. Returns None if it is refused."""
    plan = form.plan
    with refusals_to(form):
        try:
            acts.deprecate(scope=scope, plan=plan, by=actor(request), now=request.now)
        except NeedsColleague:
            return propose(request, Proposal.Kind.SCOPE_DEPRECATED, scope, reason=plan.reason, content=plan.content)
        messages.success(request, _("Scope %(name)s is deprecated.") % {"name": scope.name})
        return redirect("security:deprecation", scope.pk)
    return None


def _progress(request: Request, scope: Scope) -> HttpResponse:
    page = Paginator(_holders(scope), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "scope": scope,
        "progress": scope_uses.progress(scope, request.now, holders=page.paginator.count),
        "lately": scope_uses.LATELY.days,
        "page": page,
        "now": request.now,
    }
    return render(request, "security/deprecation.html", context)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def export_holders(request: Request, pk: int) -> HttpResponseBase:
    """Export the holders of a deprecated scope with their contacts; the change log says who did."""
    scope = get_object_or_404(Scope, pk=pk)
    if request.method != "POST" or scope.deprecated_at is None:
        return redirect("security:deprecation", pk)
    exports.note_clients_exported(filters={"deprecated": scope.name}, by=actor(request))
    return csv_download.response(_as_table(scope), name=f"holders-{scope.pk}-{request.now:%Y-%m-%d}.csv")


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: Request, pk: int) -> HttpResponse:
    """Withdraw the deprecation before its date."""
    scope, form = get_object_or_404(Scope, pk=pk), ReasonForm(posted(request))
    if not scope.is_deprecated:
        return redirect("security:deprecation", pk)
    if form.is_valid():
        with refusals_to(request):
            acts.withdraw(scope=scope, reason=form.cleaned_data["reason"], by=actor(request), now=request.now)
            messages.success(request, _("Scope %(name)s stays. Its holders get a mail.") % {"name": scope.name})
        return redirect("security:scopes")
    context = {"scope": scope, "form": form}
    return render(request, "security/withdraw_deprecation.html", context, status=422 if form.errors else 200)


def _holders(scope: Scope) -> QuerySet[Client]:
    contacts = ClientContact.objects.select_related("user").order_by("-role", "user__email")
    return scope_uses.with_last_use(scope).prefetch_related(Prefetch("contacts", contacts))


def _as_table(scope: Scope) -> Iterator[list[object]]:
    yield [
        _("Organisation"), _("Organisation number"), _("Client"), _("Client id"), _("State"), _("Contacts"),
        _("Last token with the scope"), _("Id of the client in the change log"),
    ]  # fmt: skip
    for client in _holders(scope).iterator(chunk_size=EXPORT_CHUNK):
        last: datetime | None = client.last_used_at  # type: ignore[attr-defined]  # annotated by with_last_use
        yield [
            client.organisation, client.organisation_number, client.name, client.client_id,
            client.get_status_display(), "; ".join(contact.user.email for contact in client.contacts.all()),
            last.isoformat(timespec="seconds") if last else "", client.uid,
        ]  # fmt: skip
