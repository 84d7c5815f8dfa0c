"""The forms of the Security team's pages about clients. They only validate."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language, gettext, ngettext_lazy, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from clients.models import Client, Recertification, Scope
from clients.outdated_ways import OutdatedWay
from portal.forms.edit_conflict import SeenForm
from portal.forms.fields import BoundedText
from portal.forms.filters import FilterForm, no_credential_of_clients
from portal.forms.reason import ReasonForm
from portal.search.client_search import (
    BY_REFUSALS,
    NEWEST,
    SHA1,
    SUSPENDED_UNUSED,
    UNREACHABLE,
    UNREACHABLE_OWNERS,
    UNUSED,
)
from portal.search.staff_search import MAX_LENGTH
from tokens.protocol import jws

State = Recertification.State
# Prefixes of Key.description: a family, or one size or curve.
ALGORITHMS = (
    "RSA", "RSA 2048", "RSA 3072", "RSA 4096", "EC", "EC P-256", "EC P-384", "EC P-521", "Ed25519",
)  # fmt: skip


def scope_choices() -> list[tuple[str, Any]]:
    names = Scope.objects.order_by("name").values_list("name", flat=True)
    return [("", _("Any")), *((name, name) for name in names)]


def _days(choices: tuple[int, ...]) -> list[tuple[str, Any]]:
    words = [(str(n), ngettext_lazy("%(n)s day", "%(n)s days", n) % {"n": n}) for n in choices]
    return [("", _("Any")), *words]


class QueueSearchForm(FilterForm):
    q = BoundedText(
        label=pgettext_lazy("of a client", "Find a request"),
        help_text=_("Its number, or part of a name, an organisation or an address"),
        required=False, max_length=MAX_LENGTH, validators=[no_credential_of_clients],
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip


class ClientFilterForm(FilterForm):
    q = BoundedText(
        label=_("Search"),
        help_text=_(
            "Part of a name, client id, organisation, contact or certificate subject; a key id, thumbprint, serial "
            "number, request number, request id, IP address or scope"
        ),
        required=False, max_length=MAX_LENGTH, validators=[no_credential_of_clients],
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    sort = forms.ChoiceField(
        label=_("Order"), required=False,
        choices=[
            ("", _("By name")), (NEWEST, _("Newest first")), (BY_REFUSALS, _("Refused in 24 hours, most first")),
        ],
    )  # fmt: skip
    state = forms.ChoiceField(
        label=_("State"), required=False,
        choices=[
            ("", _("Any")), *Client.Status.choices,
            (UNUSED, _("Unused, to be suspended")), (SUSPENDED_UNUSED, _("Suspended because unused")),
        ],
    )  # fmt: skip
    organisation = forms.CharField(label=_("Organisation"), required=False, max_length=150)
    scope = forms.ChoiceField(label=_("Scope"), required=False, choices=scope_choices)
    method = forms.ChoiceField(
        label=_("Authenticates with"), required=False,
        choices=[
            ("", _("Anything")), ("secret", _("A secret")), ("key", _("A key")),
            ("both", _("A key and a secret")), ("key_only", _("A key and no secret")),
            ("secret_only", _("A secret and no key")), ("none", _("Nothing that works")),
        ],
    )  # fmt: skip
    algorithm = forms.ChoiceField(
        label=_("Key"),
        required=False,
        choices=[
            ("", _("Any")),
            *((name, name) for name in ALGORITHMS),
            (SHA1, _("Named by the SHA-1 of its certificate")),
        ],
    )
    signed = forms.ChoiceField(
        label=_("Signed in 30 days with"), required=False,
        choices=[("", _("Any")), *((name, name) for name in jws.ALGORITHMS)],
    )  # fmt: skip
    expiring = forms.TypedChoiceField(
        label=_("Expires within"), required=False, choices=_days((7, 14, 30, 90)), coerce=int, empty_value=None
    )
    unused = forms.TypedChoiceField(
        label=_("Not used for"), required=False, choices=_days((7, 30, 90, 365)), coerce=int, empty_value=None
    )
    secret_age = forms.TypedChoiceField(
        label=_("Secret older than"), required=False, choices=_days((90, 180, 365)), coerce=int, empty_value=None
    )
    contacts = forms.ChoiceField(
        label=_("Contacts"), required=False,
        choices=[
            ("", _("Any")), (UNREACHABLE, _("Mail to one of them comes back")),
            (UNREACHABLE_OWNERS, _("No owner can be reached")),
        ],
    )  # fmt: skip
    recertification = forms.ChoiceField(
        label=_("Recertification"), required=False,
        choices=[("", _("Any")), *((state.value, state.label) for state in (State.DUE, State.LATE))],
    )  # fmt: skip
    outdated = forms.ChoiceField(
        label=_("Uses what is outdated"), required=False, choices=[("", _("Any")), *OutdatedWay.choices]
    )
    refused = forms.TypedChoiceField(
        label=_("Refused in 7 days"), required=False, coerce=int, empty_value=None,
        choices=[("", _("Any")), *((str(n), f"≥ {n}") for n in (1, 10, 100, 1000))],
    )  # fmt: skip


def of_everybody() -> dict[str, int]:
    """Return the settings of a client without overrides."""
    return {
        "token_lifetime": int(settings.TOKEN_LIFETIME.total_seconds()),
        "rate_limit": settings.CLIENT_RATE_LIMIT,
    }


def _number(label: Any, refusal: Any, least: int, most: int) -> forms.IntegerField:
    messages = dict.fromkeys(("invalid", "min_value", "max_value"), refusal)
    return forms.IntegerField(label=label, required=False, min_value=least, max_value=most, error_messages=messages)


class SettingsForm(ReasonForm, SeenForm):
    token_lifetime = _number(_("Token lifetime, in seconds"), _("Give a whole number from 60 to 86,400."), 60, 86_400)
    rate_limit = _number(_("Requests per minute"), _("Give a whole number from 1 to 1,000,000."), 1, 1_000_000)
    issuer_audience_only = forms.BooleanField(
        label=_("Accept only the issuer as audience"), required=False,
        help_text=_("Its assertions must name the issuer in aud and nothing else."),
    )  # fmt: skip
    may_request_tokens = forms.BooleanField(
        label=_("May request tokens"), required=False, help_text=_("Off for a resource server that only introspects.")
    )

    self_service = forms.ChoiceField(
        label=_("Manages its own credentials by API"), required=False, choices=Client.SelfService.choices,
        help_text=_("After an incident it is paused: turn it on again when the client's software is safe."),
    )  # fmt: skip

    def clean_self_service(self) -> str:
        """Return the choice; a form of before this field leaves it as it is."""
        return self.cleaned_data["self_service"] or str(self.initial["self_service"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, everybody in of_everybody().items():
            self.fields[name].help_text = gettext("Leave empty for the default: %(n)s.") % {"n": everybody}


def _hint(scope: Scope) -> str:
    """Return a hint for a scope: its API, whether it is sensitive, and its description."""
    told = [scope.api.name, gettext("Sensitive") if scope.sensitive else "", scope.described_in(get_language() or "en")]
    return " · ".join(filter(None, told))


class ScopesForm(ReasonForm, SeenForm):
    scopes = forms.MultipleChoiceField(label=_("Scopes"), required=False, widget=forms.CheckboxSelectMultiple)
    defaults = forms.MultipleChoiceField(
        label=_("Which of them are default scopes?"), help_text=_("Granted when a token request names no scope."),
        required=False, widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, *args: Any, known: dict[str, Scope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known, fields = known, dict[str, Any](self.fields)
        fields["scopes"].choices = fields["defaults"].choices = [(name, name) for name in known]
        self.hints = {"scopes": {name: _hint(scope) for name, scope in known.items()}}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        granted = data.get("scopes", [])
        data["scopes"] = [self.known[name] for name in granted]
        data["defaults"] = [self.known[name] for name in data.get("defaults", []) if name in granted]
        return data
