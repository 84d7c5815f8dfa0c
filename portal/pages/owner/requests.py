"""A request for scopes of an owner's API: its content, who decides, and the owner's own decision."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.acts import api_callers
from clients.models import Registration, RegistrationScope
from portal.flows import deciders
from portal.guards.access import actor, api_of, api_owner
from portal.guards.refusals import refusals_to
from portal.pages.owner.forms import OwnerDecisionForm
from portal.ui import field_rows
from portal.web.http_request import Request, posted


@api_owner
@require_http_methods(["GET", "HEAD", "POST"])
def request_for_owner(request: Request, identifier: str, uid: UUID) -> HttpResponse:
    """Show a request that asks for scopes of the API, and record the owner's decision."""
    api = api_of(request, identifier)
    registration = get_object_or_404(Registration.objects.confirmed().filter(asked__scope__api=api).distinct(), uid=uid)
    asked = list(registration.asked.filter(scope__api=api).select_related("scope", "owner"))
    form = OwnerDecisionForm(posted(request), asked=asked, initial=_initial(registration, asked))
    own = registration.is_by(request.user)
    if form.is_valid():
        with refusals_to(form):
            api_callers.decide(
                registration=registration, api=api, approved=form.cleaned_data["scopes"],
                reason=form.cleaned_data["reason"], seen=form.cleaned_data["seen"], by=actor(request), now=request.now,
            )  # fmt: skip
            messages.success(request, _("Your decision is recorded. The Security team decides after you."))
            return redirect("owner:api", identifier)
    context = {
        "api": api, "registration": registration, "form": form, "own": own,
        "decidable": registration.status == Registration.Status.SUBMITTED and not own,
        "rows": field_rows.rows(registration), "asked": _shown(asked, form), "deciders": deciders.of(registration),
    }  # fmt: skip
    return render(request, "owner/request.html", context, status=422 if form.errors else 200)


def _initial(registration: Registration, asked: list[RegistrationScope]) -> dict[str, object]:
    return {"seen": registration.content_hash, "scopes": [row.scope.name for row in asked if row.owner_approved]}


def _shown(asked: list[RegistrationScope], form: OwnerDecisionForm) -> list[dict[str, object]]:
    """Return the scopes for the component of tick boxes; a word that was given before is ticked again."""
    language, ticked = get_language() or "en", form["scopes"].value() or []
    return [
        {
            "name": row.scope.name,
            "description": row.scope.described_in(language),
            "risk": "high" if row.scope.sensitive else "",
            "checked": row.scope.name in ticked,
        }
        for row in asked
    ]
