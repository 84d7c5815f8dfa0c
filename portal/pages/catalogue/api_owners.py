"""The owners of an API: the Security team proposes to name or remove one, and a colleague confirms."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from clients.built_in_scopes import BUILT_IN_API
from clients.models import Api, Proposal
from portal.flows.proposals import propose
from portal.forms.fields import Line, email_field
from portal.forms.reason import ReasonForm
from portal.guards.access import security_team
from portal.web.http_request import Request, posted

NAME, REMOVE = "name", "remove"


class OwnerForm(ReasonForm):
    """Form about a person, to be named or removed."""

    field_order = ("email", "name", "act", "reason")
    act = forms.ChoiceField(
        label=_("What do you propose?"), widget=forms.RadioSelect,
        choices=[(NAME, _("Name this person as owner")), (REMOVE, _("Remove this owner"))],
    )  # fmt: skip
    email = email_field(_("E-mail address"), _("Somebody new is invited to sign in like staff, with this role alone."))
    name = Line(label=_("Name"), max_length=150, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("act") == NAME and not data.get("name"):
            self.add_error("name", _("Enter the name of the person."))
        return data


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def api_owners(request: Request, identifier: str) -> HttpResponse:
    """List the owners of an API, and propose a change of them."""
    api = get_object_or_404(Api.objects.exclude(identifier=BUILT_IN_API), identifier=identifier)
    form = OwnerForm(posted(request))
    if form.is_valid():
        data = form.cleaned_data
        kind = Proposal.Kind.OWNER_NAMED if data["act"] == NAME else Proposal.Kind.OWNER_REMOVED
        content = {"email": data["email"], "name": data["name"]}
        return propose(request, kind, api, reason=data["reason"], content=content)
    context = {
        "api": api, "form": form, "owners": api.owners.select_related("user").order_by("named_at"),
        "waiting": Proposal.objects.waiting(request.now).filter(api=api),
    }  # fmt: skip
    return render(request, "security/api_owners.html", context, status=422 if form.errors else 200)
