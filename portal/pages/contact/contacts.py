"""The contacts of a client. All of them may look; only owners invite, change and remove."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.access.guarded_acts import Act
from clients.acts.people import contacts as acts
from clients.models import ClientContact, Proposal
from portal.flows.contacts import add, remove
from portal.forms.contacts import ContactForm
from portal.guards.access import actor, client_of, client_owned_by, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.web.http_request import Request, posted

Role = ClientContact.Role


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def contacts(request: Request, uid: UUID) -> HttpResponse:
    client = client_owned_by(request, uid) if request.method == "POST" else client_of(request, uid)
    form = ContactForm(posted(request), initial={"role": Role.EDITOR})
    if form.is_valid():
        require(request, Act.ADD_CONTACT, client)
        if add(request, client, form):
            return redirect("contact:contacts", uid)
    people = list(client.contacts.select_related("user").order_by("role", "user__name", "user__email"))
    owners = [row for row in people if row.role == Role.OWNER]
    context = {
        "client": client,
        "people": people,
        "owner": any(row.user_id == request.user.pk for row in owners),
        "only_owner": owners[0] if len(owners) == 1 else None,
        "proposals": list(Proposal.objects.for_owners_of(client, request.now)),
        "form": form,
    }
    return render(request, "contact/contacts.html", context, status=422 if form.errors else 200)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def change_role(request: Request, uid: UUID, contact: UUID) -> HttpResponse:
    client = client_owned_by(request, uid)
    row = get_object_or_404(client.contacts.select_related("user"), uid=contact)
    role = request.POST.get("role")
    if request.method != "POST" or role not in Role.values:
        return redirect("contact:contacts", uid)
    require(request, Act.CHANGE_CONTACT_ROLE, client)
    with refusals_to(request):
        acts.change_role(contact=row, role=Role(role), by=actor(request), now=request.now)
        messages.success(
            request, _("%(person)s is %(role)s now.") % {"person": row.user.shown_to_contacts, "role": Role(role).label}
        )
    return redirect("contact:contacts", uid)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def remove_contact(request: Request, uid: UUID, contact: UUID) -> HttpResponse:
    client = client_owned_by(request, uid)
    row = get_object_or_404(client.contacts.select_related("user"), uid=contact)
    if request.method != "POST":
        context = {"client": client, "row": row, "back_url": resolve_url("contact:contacts", uid)}
        return render(request, "contact/remove_contact.html", context)
    require(request, Act.REMOVE_CONTACT, client)
    removed_themselves = remove(request, row) and row.user_id == request.user.pk
    return redirect("contact:clients") if removed_themselves else redirect("contact:contacts", uid)
