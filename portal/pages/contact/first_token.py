"""The first token of a client: choose a credential, copy a command, and see the token come or why it was refused.

The panel polls an address of its own (live.js). The secret stands in the commands only in the answer to a POST.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from clients.access.guarded_acts import Act
from clients.acts.credentials import client_secrets
from clients.models import Client, Secret
from portal.explanations import explain
from portal.forms.key_upload import KeyUploadForm
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, passkeys_of, require
from portal.ui import proof_of_possession, samples
from portal.ui.samples.values import PLACEHOLDER_SECRET, of_client
from portal.ui.token_list import credential_names
from portal.web.http_request import Request
from tokens.models import CredentialUse, JournalEntry, Token

WAITING, REFUSED, CAME = "waiting", "refused", "came"


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def first_token(request: Request, uid: UUID) -> HttpResponse:
    """Show the commands, by POST with the client secret in them."""
    client = client_of(request, uid)
    if client.status != client.Status.ACTIVE or not client.may_request_tokens:
        return redirect("contact:client", uid)
    accepted = settings.CLIENT_SECRETS_ACCEPTED and client.accepts_secrets
    secret = client.secrets.usable(request.now).current().first() if accepted else None
    text = ""
    if request.method == "POST":
        if secret is None or secret.ciphertext is None:
            return redirect("contact:regenerate_secret", uid)
        require(request, Act.REVEAL_SECRET, client)
        with refusals_to(request):
            text = client_secrets.view(secret=secret, by=actor(request), now=request.now)
    context = _commands(client, secret, text, request) | _panel(client, request)
    return render(request, "contact/get_first_token.html", context)


@contact
@require_safe
def live(request: Request, uid: UUID) -> HttpResponse:
    """Return the panel; nothing (204) while it is what the page has already."""
    panel = _panel(client_of(request, uid), request)
    if panel["seen"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "contact/first_token_panel.html", panel)


def _commands(client: Client, secret: Secret | None, text: str, request: Request) -> dict[str, Any]:
    values = of_client(client, request.now)
    shown, programs = text or PLACEHOLDER_SECRET, samples.shown("client_secret_basic", values)
    return {
        "secret": secret,
        "is_shown": bool(text),
        "by_secret": samples.shown("first_token", values, secret=shown) + programs[1:],
        "has_key": values.has_key,
        "by_key": samples.shown("private_key_jwt", values),
        "make": samples.shown("make_certificate", values),
        "upload": KeyUploadForm(initial={"way": "paste", "challenge": proof_of_possession.challenge_for(client)}),
        "scope": values.scope,
    }


def _panel(client: Client, request: Request) -> dict[str, Any]:
    return {"client": client, "has_passkey": passkeys_of(request.user).exists(), **_state(client)}


def _state(client: Client) -> dict[str, Any]:
    """Return the state of the panel: a token came, or the newest HTTP request was refused, or none came yet."""
    first = Token.objects.of(client).order_by("issued_at").first()
    if first is not None or CredentialUse.objects.of(client).exists():
        credential = first.credential if first else ""
        return {
            "seen": CAME,
            "token": first,
            "used": credential_names(client).get(credential, credential),
            "is_by_secret": credential.startswith("secret:"),
            "has_one_contact": client.contacts.count() == 1,
        }
    refused = JournalEntry.objects.of(client).refusals().first()
    if refused is not None:
        explained = explain(refused.rule, refused.facts)
        return {"seen": f"{REFUSED}-{refused.pk}", "refused": refused, "explained": explained}
    return {"seen": WAITING}
