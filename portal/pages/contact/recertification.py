"""The question to the owners of a client: is it still needed, and is what it has right? (docs/decisions/0034)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.acts.recertification import answers
from clients.models import Client, ClientContact
from portal.guards.access import actor, client_of, client_owned_by, contact
from portal.guards.refusals import refusals_to
from portal.ui import client_health
from portal.ui.log_entries import name_of
from portal.ui.rotation import Uses
from portal.ui.token_list import credential_name
from portal.web.http_request import Request
from tokens.models import CredentialUse


@dataclass(frozen=True)
class Credential:
    """A credential that works, and when it was last used."""

    name: str
    last_used_at: datetime | None


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def recertify(request: Request, uid: UUID) -> HttpResponse:
    """Show what an answer confirms, and take the confirmation of an owner."""
    if request.method == "POST":
        return _confirm(request, client_owned_by(request, uid))
    client, now = client_of(request, uid), request.now
    uses = CredentialUse.objects.of(client).in_bulk()
    contacts = list(client.contacts.select_related("user").order_by("-role", "user__name", "user__email"))
    question = client.recertifications.open().first()
    last = client.recertifications.exclude(confirmed_at=None).order_by("confirmed_at").last()
    owners = [row.user for row in contacts if row.role == ClientContact.Role.OWNER]
    context = {
        "client": client,
        "question": question,
        "is_late": question is not None and question.is_late(now),
        "last": last,
        "last_by": name_of(last.confirmed_by) if last else "",
        "is_owner": request.user in owners,
        "owners": owners,
        "scopes": client.scopes.select_related("api").order_by("-sensitive", "name"),
        "contacts": contacts,
        "credentials": list(_credentials(client, uses, now)),
        "networks": answers.known_networks(client),
        "last_used_at": client_health.last_use(uses),
        "seen": answers.tag_of(answers.what_is_confirmed(client, now)),
    }
    return render(request, "contact/recertify.html", context)


def _confirm(request: Request, client: Client) -> HttpResponse:
    with refusals_to(request):
        answers.confirm(client=client, seen=request.POST.get("seen", ""), by=actor(request), now=request.now)
        messages.success(request, _("Thank you. You confirmed that the client is still needed."))
        return redirect("contact:client", client.uid)
    return redirect("contact:recertify", client.uid)


def _credentials(client: Client, uses: Uses, now: datetime) -> Iterator[Credential]:
    for row in answers.working_credentials(client, now):
        use = uses.get(row.credential)
        yield Credential(credential_name(row), use.last_used_at if use else None)
