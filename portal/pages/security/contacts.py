"""Acts of the Security team on the contacts of a client."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clients.acts.four_eyes import NeedsColleague
from clients.acts.people import contacts as acts
from clients.models import ClientContact, Proposal
from portal.flows.contacts import add, remove
from portal.flows.proposals import propose
from portal.forms.contacts import ContactReasonForm, StaffContactForm, StaffPhoneForm
from portal.forms.reason import ReasonForm
from portal.guards.access import actor, client_of_anybody, security_team
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request, posted

Role = ClientContact.Role
LINK = "link"

# act -> (the question, the button)
QUESTIONS: dict[str, tuple[str | Promise, str | Promise]] = {
    LINK: (gettext_lazy("Mail a link to %(person)s?"), gettext_lazy("Mail a link")),
    Role.OWNER: (gettext_lazy("Make %(person)s an owner?"), gettext_lazy("Make owner")),
    Role.EDITOR: (gettext_lazy("Make %(person)s a manager?"), gettext_lazy("Make manager")),
}


def _contact(uid: UUID, contact: UUID) -> ClientContact:
    return get_object_or_404(ClientContact.objects.select_related("user", "client"), client__uid=uid, uid=contact)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def add_client_contact(request: Request, uid: UUID) -> HttpResponse:
    """Add a contact, or propose it where that takes two people."""
    client, form = client_of_anybody(uid), StaffContactForm(posted(request), initial={"role": "owner"})
    if form.is_valid():
        try:
            if add(request, client, form):
                return redirect("security:client", uid)
        except NeedsColleague:
            content = {name: form.cleaned_data[name] for name in ("name", "email", "role")}
            kind, reason = Proposal.Kind.CONTACT_ADDED, form.cleaned_data["reason"]
            return propose(request, kind, client, content=content, reason=reason)
    context = {"client": client, "form": form, "takes_two": acts.takes_two(client=client, now=request.now)}
    return render(request, "security/add_contact.html", context, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def change_client_contact(request: Request, uid: UUID, contact: UUID, act: str) -> HttpResponse:
    """Mail a new link, or change the role; or propose it where that takes two people."""
    if act not in QUESTIONS:
        raise Http404
    row, form = _contact(uid, contact), ContactReasonForm(posted(request))
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            with refusals_to(request):
                _mail_link(request, row, reason) if act == LINK else _change_role(request, row, Role(act), reason)
        except NeedsColleague:
            content = {"name": row.user.name, "email": row.user.email, "role": act}
            return propose(request, Proposal.Kind.CONTACT_PROMOTED, row.client, content=content, reason=reason)
        return redirect("security:client", uid)
    title, submit = QUESTIONS[act]
    context = {
        "client": row.client, "row": row, "form": form, "title": title % {"person": row.user}, "submit": submit,
        "takes_two": act == Role.OWNER and acts.takes_two(client=row.client, now=request.now),
    }  # fmt: skip
    return render(request, "security/change_contact.html", context, status=422 if form.errors else 200)


def _change_role(request: Request, row: ClientContact, role: ClientContact.Role, reason: str) -> None:
    acts.change_role(contact=row, role=role, reason=reason, by=actor(request), now=request.now)
    messages.success(request, _("%(person)s is %(role)s now.") % {"person": row.user, "role": role.label})


def _mail_link(request: Request, row: ClientContact, reason: str) -> None:
    mailed = acts.mail_fresh_link(email=row.user.email, reason=reason, by=actor(request), now=request.now)
    if mailed:
        done = _("A fresh link is on its way to %(person)s. An older one stops working.")
        messages.success(request, done % {"person": row.user})
        return
    messages.error(request, _("No link was sent: this person had five in the last hour, or is not a contact."))


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def contact_phone(request: Request, uid: UUID, contact: UUID) -> HttpResponse:
    """Change the number at which the team calls a contact; it is the person's, at each of their clients."""
    row = _contact(uid, contact)
    form = StaffPhoneForm(posted(request), initial={"phone": row.user.phone})
    if form.is_valid():
        acts.change_phone(user=row.user, **form.cleaned_data, by=actor(request))
        messages.success(request, _("Saved."))
        return redirect("security:client", uid)
    context = {"client": row.client, "person": row.user, "form": form}
    return render(request, "security/contact_phone.html", context, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def remove_client_contact(request: Request, uid: UUID, contact: UUID) -> HttpResponse:
    row, form = _contact(uid, contact), ReasonForm(posted(request))
    if form.is_valid():
        remove(request, row, reason=form.cleaned_data["reason"])
        return redirect("security:client", uid)
    context = {"client": row.client, "row": row, "form": form, "back_url": resolve_url("security:client", uid)}
    return render(request, "security/remove_contact.html", context, status=422 if form.errors else 200)
