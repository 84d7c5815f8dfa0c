"""Staff who come and go, where the site has STAFF_PAGES: one of the Security team proposes, a colleague confirms."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from audit.log import SITE
from clients.models import Proposal, User
from portal.flows.proposals import propose
from portal.forms.fields import Line, email_field
from portal.forms.reason import ReasonForm
from portal.guards.access import security_team
from portal.web.http_request import Request, posted

ROLES = (User.Role.SECURITY, User.Role.AUDITOR)  # an owner of an API is named on the page of the API


class InviteForm(ReasonForm):
    field_order = ("name", "email", "role", "reason")
    name = Line(label=_("Name"), max_length=150, error_messages={"required": _("Enter the name of the person.")})
    email = email_field(_("Work e-mail address"))
    role = forms.ChoiceField(
        label=_("Role"), widget=forms.RadioSelect, choices=[(role.value, role.label) for role in ROLES]
    )


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def invite_staff(request: Request) -> HttpResponse:
    _check_option()
    form = InviteForm(posted(request))
    if form.is_valid():
        content = {name: form.cleaned_data[name] for name in ("name", "email", "role")}
        reason = form.cleaned_data["reason"]
        return propose(request, Proposal.Kind.STAFF_INVITED, SITE, content=content, reason=reason)
    return render(request, "security/invite_staff.html", {"form": form}, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate_staff(request: Request, uid: UUID) -> HttpResponse:
    _check_option()
    person = get_object_or_404(User.objects.staff(), uid=uid, is_active=True)
    form = ReasonForm(posted(request))
    if form.is_valid():
        content, reason = {"email": person.email}, form.cleaned_data["reason"]
        return propose(request, Proposal.Kind.STAFF_DEACTIVATED, SITE, content=content, reason=reason)
    context = {"person": person, "form": form}
    return render(request, "security/deactivate_staff.html", context, status=422 if form.errors else 200)


def _check_option() -> None:
    if not settings.STAFF_PAGES:
        raise Http404
