"""The catalogue: APIs, their scopes and their resource servers."""

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.acts import catalogue
from clients.acts.four_eyes import NeedsColleague
from clients.edit_tags import Stale
from clients.models import Api, Client, ClientScope, Proposal, Scope
from portal.flows.proposals import propose
from portal.forms.edit_conflict import status_of
from portal.forms.reason import ReasonForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.pages.catalogue.catalogue_forms import ApiForm, DescribedForm, NewApiForm, NewScopeForm, ScopeForm
from portal.web.http_request import Request, posted


@security_team
@require_safe
def scopes(request: Request) -> HttpResponse:
    held = ClientScope.objects.exclude(client__status=Client.Status.CLOSED).values("scope_id")
    holders = dict(held.annotate(count=Count("*")).values_list("scope_id", "count"))
    servers = Prefetch("served_by", Client.objects.exclude(status=Client.Status.CLOSED))
    waiting = Prefetch("scopes__proposals", Proposal.objects.waiting(request.now), to_attr="waiting")
    apis = Api.objects.prefetch_related("scopes__successor", waiting, servers)
    language = get_language() or "en"
    shown = [
        {
            "api": api,
            "description": api.described_in(language),
            "scopes": [_shown(scope, language, holders.get(scope.pk, 0)) for scope in api.scopes.all()],
        }
        for api in apis
    ]
    return render(request, "security/scopes.html", {"apis": shown})


def _shown(scope: Scope, language: str, holders: int) -> dict[str, object]:
    proposals = getattr(scope, "waiting", [])  # prefetched
    return {
        "scope": scope, "description": scope.described_in(language), "holders": holders, "proposals": proposals
    }  # fmt: skip


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def create_api(request: Request) -> HttpResponse:
    form = NewApiForm(posted(request))
    if form.is_valid():
        data = form.cleaned_data
        with refusals_to(form, "identifier"):
            catalogue.create_api(
                identifier=data["identifier"], name=data["name"], description=form.description(),
                reason=data["reason"], by=actor(request),
            )  # fmt: skip
            messages.success(request, _("API %(name)s added.") % {"name": data["name"]})
            return redirect("security:scopes")
    return _form_page(request, form, title=_("Add an API"), submit=_("Add the API"))


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def change_api(request: Request, identifier: str) -> HttpResponse:
    api = get_object_or_404(Api, identifier=identifier)
    form = _api_form(api, posted(request))
    if form.is_valid():
        data = form.cleaned_data
        try:
            catalogue.change_api(
                api=api, name=data["name"], description=form.description(), served_by=data["served_by"],
                seen=data["seen"], reason=data["reason"], by=actor(request),
            )  # fmt: skip
        except Stale as problem:
            api.refresh_from_db()
            form = _api_form(api, request.POST)
            form.show_again(problem)
        else:
            messages.success(request, _("API %(name)s saved.") % {"name": data["name"]})
            return redirect("security:scopes")
    return _form_page(request, form, title=_("Change the API %(name)s") % {"name": api.name}, submit=_("Save the API"))


def _api_form(api: Api, data: QueryDict | None) -> ApiForm:
    initial = {"name": api.name, "served_by": api.servers, "seen": api.content_hash}
    return ApiForm(data, described=api, initial=initial)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def create_scope(request: Request) -> HttpResponse:
    form = NewScopeForm(posted(request), initial={"api": request.GET.get("api")})
    if form.is_valid():
        data = form.cleaned_data
        name = data["name"]
        with refusals_to(form, "name"):
            catalogue.create_scope(
                name=name, api=data["api"], description=form.description(), sensitive=data["sensitive"],
                needs_legal_basis=data["needs_legal_basis"], reason=data["reason"], by=actor(request),
            )  # fmt: skip
            messages.success(request, _("Scope %(name)s added. It can now be requested.") % {"name": name})
            return redirect("security:scopes")
    return _form_page(request, form, title=_("Add a scope"), submit=_("Add the scope"))


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def change_scope(request: Request, pk: int) -> HttpResponse:
    scope = get_object_or_404(Scope, pk=pk)
    form = ScopeForm(posted(request), scope=scope)
    if form.is_valid():
        data = form.cleaned_data
        with refusals_to(request):  # a concurrent act may have marked it as sensitive
            catalogue.change_scope(
                scope=scope, description=form.description(), sensitive=data["sensitive"],
                needs_legal_basis=data["needs_legal_basis"], reason=data["reason"], by=actor(request),
            )  # fmt: skip
            messages.success(request, _("Scope %(name)s saved.") % {"name": scope.name})
        return redirect("security:scopes")
    title = _("Change the scope %(name)s") % {"name": scope.name}
    return _form_page(request, form, title=title, submit=_("Save the scope"), sensitive=scope.sensitive and scope)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def retire_scope(request: Request, pk: int) -> HttpResponse:
    """Retire a scope without holders; propose it for one with holders."""
    scope, form = get_object_or_404(Scope, pk=pk), ReasonForm(posted(request))
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            with refusals_to(request):
                catalogue.retire_scope(scope=scope, reason=reason, by=actor(request), now=request.now)
                messages.success(request, _("Scope %(name)s is retired.") % {"name": scope.name})
        except NeedsColleague:
            return propose(request, Proposal.Kind.SCOPE_RETIRED, scope, reason=reason)
        return redirect("security:scopes")
    holders = scope.holders.count()
    context = {"scope": scope, "holders": holders, "alone": not holders, "form": form}
    return render(request, "security/retire_scope.html", context, status=422 if form.errors else 200)


def _form_page(
    request: Request, form: DescribedForm, *, title: str, submit: str, sensitive: Scope | bool = False
) -> HttpResponse:
    """Render the form. `sensitive`: the scope, if it needs two approvals."""
    first = [field for field in form if field.name != "reason" and not field.name.startswith("description_")]
    context = {"form": form, "first": first, "title": title, "submit": submit, "sensitive": sensitive}
    return render(request, "security/catalogue_form.html", context, status=status_of(form))
