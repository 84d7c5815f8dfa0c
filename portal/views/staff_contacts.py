"""What the Security team does about the people who look after a client."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients import contacts as acts
from clients.models import ClientContact, User
from portal.access import actor, security_team
from portal.forms.contacts import ContactForm
from portal.request import Request, posted
from portal.views.contacts import add, remove
from portal.views.staff_client import client_of_anybody


def _contact(uid: UUID, contact: UUID) -> ClientContact:
    return get_object_or_404(ClientContact.objects.select_related("user", "client"), client__uid=uid, uid=contact)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def add_client_contact(request: Request, uid: UUID) -> HttpResponse:
    client, form = client_of_anybody(uid), ContactForm(posted(request), initial={"role": "owner"})
    if form.is_valid() and add(request, client, form):
        return redirect("staff_client", uid)
    context = {"client": client, "form": form}
    return render(request, "security/add_contact.html", context, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def change_client_contact(request: Request, uid: UUID, contact: UUID) -> HttpResponse:
    """One of the buttons beside a contact: mail a fresh link, or change the role."""
    row, act = _contact(uid, contact), request.POST.get("act", "")
    person = {"person": row.user}
    try:
        if act == "link":
            mailed = acts.mail_fresh_link(email=row.user.email, by=actor(request), now=request.now)
            _say_whether(request, mailed, person)
        elif act in ClientContact.Role.values:
            role = ClientContact.Role(act)
            acts.change_role(contact=row, role=role, by=actor(request), now=request.now)
            messages.success(request, _("%(person)s is %(role)s now.") % {**person, "role": role.label})
    except acts.UnableToChangeContacts as problem:
        messages.error(request, str(problem))
    return redirect("staff_client", uid)


def _say_whether(request: Request, mailed: bool, person: dict[str, User]) -> None:
    if mailed:
        messages.success(request, _("A fresh link is on its way to %(person)s. An older one stops working.") % person)
        return
    refusal = _("No link was mailed to %(person)s: five went out in the last hour, or their account is no contact's.")
    messages.error(request, refusal % person)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def remove_client_contact(request: Request, uid: UUID, contact: UUID) -> HttpResponse:
    row = _contact(uid, contact)
    if request.method != "POST":
        context = {"client": row.client, "row": row, "back_url": resolve_url("staff_client", uid)}
        return render(request, "security/remove_contact.html", context)
    remove(request, row)
    return redirect("staff_client", uid)
