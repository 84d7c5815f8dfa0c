"""Add and remove a contact, for the contacts' page and the Security team's."""

from django.contrib import messages
from django.utils.translation import gettext as _

from clients.acts.people import contacts as acts
from clients.models import Client, ClientContact
from portal.forms.contacts import ContactForm
from portal.guards.access import actor
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request


def add(request: Request, client: Client, form: ContactForm) -> bool:
    """Add a contact; return False, with the reason in the form, if refused. Raises four_eyes.NeedsColleague."""
    with refusals_to(form, "email"):
        acts.add(client=client, by=actor(request), now=request.now, **form.cleaned_data)
        messages.success(request, _("We mailed them a link to this client."))
    return form.is_valid()


def remove(request: Request, row: ClientContact, *, reason: str = "") -> bool:
    """Remove a contact, and return whether it succeeded; a message tells the outcome."""
    with refusals_to(request) as told:
        acts.remove(contact=row, reason=reason, by=actor(request), now=request.now)
        messages.success(request, _("%(person)s no longer sees this client.") % {"person": row.user.shown_to_contacts})
    return told.refusal is None
