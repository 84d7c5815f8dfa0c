"""Networks that a client is used from, and the question about a new one: was this you? (PROTOCOL C-43)."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clients.acts import networks as acts
from clients.models import Client, ClientNetwork, Key, Secret
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.ui.token_list import credential_name, network_uses
from portal.web.http_request import Request, posted


class MailsForm(forms.Form):
    wanted = forms.BooleanField(
        label=gettext_lazy("Mail me when this client is used from a network for the first time"), required=False
    )


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def networks(request: Request, uid: UUID) -> HttpResponse:
    """List the networks, and let a contact choose whether to be mailed about a new one."""
    client = client_of(request, uid)
    mine = client.contacts.get(user=request.user)
    form = MailsForm(posted(request), initial={"wanted": mine.mail_new_networks})
    if form.is_valid():
        acts.set_mails(contact=mine, wanted=form.cleaned_data["wanted"], by=actor(request))
        messages.success(request, _("Saved."))
        return redirect("contact:networks", uid)
    rows, asked = network_uses(client), client.networks.asked()
    return render(request, "contact/networks.html", {"client": client, "rows": rows, "asked": asked, "form": form})


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def network(request: Request, uid: UUID, network: UUID) -> HttpResponse:
    """Ask whether the first use from a network was the reader's own, and tell what to do if not."""
    client = client_of(request, uid)
    found: ClientNetwork = get_object_or_404(client.networks, uid=network)
    if request.method == "POST":
        was_us = request.POST.get("was_us") == "true"
        with refusals_to(request):
            acts.answer(network=found, was_us=was_us, by=actor(request), now=request.now)
            if was_us:
                messages.success(request, _("Thank you: we know this network now."))
                return redirect("contact:client", uid)
        return redirect("contact:network", uid, network)
    used = _credential(client, found.credential)
    context = {
        "client": client,
        "network": found,
        "name": credential_name(used) if used else "",
        "key": used if isinstance(used, Key) else None,
        "secret": used if isinstance(used, Secret) else None,
    }
    return render(request, "contact/network.html", context)


def _credential(client: Client, name: str) -> Key | Secret | None:
    """Return the key or secret; None for what a page has nothing to say about."""
    kind, _colon, pk = name.partition(":")
    if kind == "key":
        return client.keys.filter(pk=int(pk)).first()
    return client.secrets.filter(pk=int(pk)).first() if kind == "secret" else None
