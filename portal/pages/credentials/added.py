"""Additions of the client itself: end one, pause them or turn them on again (API M-12)."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clients.access.guarded_acts import Act
from clients.acts.credentials import self_service as acts
from clients.acts.credentials.ways_in import credential_of, others_work
from clients.acts.federation import jwks_uris
from clients.models import Client, JwksUri, Key, Secret, Trust
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.ui.client_health import used_words
from portal.ui.staff_names import staff_addresses
from portal.ui.token_list import credential_name, users_of
from portal.web.http_request import Request, posted
from tokens.acts import unwanted
from tokens.models import CredentialUse

WORDS = {
    Client.SelfService.ON: gettext_lazy("Everything: read, add, renew and end its credentials"),
    Client.SelfService.PAUSED: gettext_lazy("Everything but additions"),
    Client.SelfService.OFF_BY_CONTACT: gettext_lazy("Nothing"),
}


class EndAddedForm(forms.Form):
    pause = forms.BooleanField(
        label=gettext_lazy("Let the client add nothing by itself until one of us turns that on again"),
        required=False,
        initial=True,
    )


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def end_added(request: Request, uid: UUID, credential: UUID) -> HttpResponse:
    """Show what the client added, a credential or an address, and end it by POST. Mails about it lead here."""
    client = client_of(request, uid)
    found = credential_of(client, credential) or client.jwks_uris.filter(uid=credential).first()
    if found is None:
        raise Http404
    form = EndAddedForm(posted(request))
    if form.is_valid():
        require(request, Act.END_ADDED, client)
        with refusals_to(request):
            _end(found, request, pause=form.cleaned_data["pause"])
            messages.success(request, _("It no longer works, and neither do its tokens."))
        return redirect("contact:credentials", uid)
    if isinstance(found, JwksUri):
        shown = _of_address(client, found, request.now)
    else:
        shown = _of_credential(client, found, request.now)
    context = {"client": client, "credential": found, "form": form, "staff": staff_addresses(), **shown}
    return render(request, "contact/end_added.html", context)


class SelfServiceForm(forms.Form):
    """Choice among what the client's contacts may choose; what holds now is no choice."""

    to = forms.TypedChoiceField(
        label=gettext_lazy("What may the client do by itself, by API?"),
        coerce=Client.SelfService,
        error_messages={"required": gettext_lazy("Choose what the client may do.")},
        widget=forms.RadioSelect,
    )
    hints = {
        "to": {
            Client.SelfService.ON: gettext_lazy("Whoever has a key or secret of the client can add another."),
            Client.SelfService.PAUSED: gettext_lazy(
                "It still ends keys and invalidates tokens. For after an incident."
            ),
            Client.SelfService.OFF_BY_CONTACT: gettext_lazy("It gets no token for the API. You still add keys here."),
        }
    }

    def __init__(self, *args: Any, current: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ChoiceField, self.fields["to"])
        field.choices = [(choice, WORDS[choice]) for choice in acts.CHOICES if choice != current]


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def self_service(request: Request, uid: UUID) -> HttpResponse:
    """Choose whether the client may do all by itself, all but additions, or nothing."""
    client = client_of(request, uid)
    form = SelfServiceForm(posted(request), current=client.self_service)
    if form.is_valid():
        require(request, Act.CHANGE_SELF_SERVICE, client)
        with refusals_to(request):
            acts.turn(client=client, to=form.cleaned_data["to"], by=actor(request), now=request.now)
            messages.success(request, _("Saved. All contacts get an e-mail."))
        return redirect("contact:credentials", uid)
    context = {"client": client, "form": form}
    return render(request, "contact/self_service.html", context, status=422 if form.errors else 200)


def _end(found: Key | Secret | Trust | JwksUri, request: Request, *, pause: bool) -> None:
    by, now = actor(request), request.now
    if isinstance(found, JwksUri):
        unwanted.end_added_address(jwks_uri=found, pause=pause, by=by, now=now)
    else:
        unwanted.end_added(credential=found, pause=pause, by=by, now=now)


def _of_credential(client: Client, found: Key | Secret | Trust, now: datetime) -> dict[str, object]:
    return {
        "name": credential_name(found),
        "added_at": found.created_at if isinstance(found, Secret) else found.added_at,
        "added_by": found.created_by if isinstance(found, Secret) else found.added_by,
        "used": used_words(CredentialUse.objects.filter(credential=found.credential).first(), now),
        "users": users_of(found, now),
        "has_ended": _has_ended(found, now),
        "is_last": not others_work(client, found, now),
    }


def _of_address(client: Client, found: JwksUri, now: datetime) -> dict[str, object]:
    """Return the same of an address, whose uses are those of the keys that came from there."""
    keys = list(client.keys.filter(jwks_uri=found))
    used = CredentialUse.objects.filter(credential__in=[key.credential for key in keys])
    return {
        "name": found.url,
        "added_at": found.added_at,
        "added_by": found.added_by,
        "used": used_words(used.order_by("-last_used_at").first(), now),
        "users": sorted({address for key in keys for address in users_of(key, now)}),
        "has_ended": found.ends_at is not None,
        "is_last": not jwks_uris.others_work(client, found, now),
    }


def _has_ended(credential: Key | Secret | Trust, now: datetime) -> bool:
    return credential.state(now) in (Key.State.RETIRED, Secret.State.ENDED, Trust.State.ENDED)
