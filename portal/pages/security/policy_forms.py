"""The form of a bound: what, how much, where, and from when for existing clients."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.log import SITE
from clients.acts import policies
from clients.models import Api, Client
from clients.models.policy import About
from clients.policy.bounds import NUMBERS, SWITCHES, Bound
from clients.policy.words import WORDS
from foundation.refusals import Refusal
from portal.explanations.sentences import in_words
from portal.forms.fields import day_field
from portal.forms.reason import ReasonForm
from tokens.protocol.jws import ALGORITHMS

BOUNDS = [(bound.value, words.label) for bound, words in WORDS.items()]


class PolicyForm(forms.Form):
    """A bound as typed. Valid if it can be proposed; `wanted` then has it."""

    bound = forms.ChoiceField(label=gettext_lazy("What is bounded"), choices=BOUNDS)
    value = forms.CharField(
        label=gettext_lazy("Bound"),
        help_text=gettext_lazy("A number, or the algorithms with spaces between. Empty where there is only yes or no."),
        required=False,
        max_length=200,
    )
    api = forms.ModelChoiceField(
        label=gettext_lazy("Only for clients of this API"), queryset=Api.objects.all(), to_field_name="identifier",
        empty_label=gettext_lazy("Any"), required=False,
    )  # fmt: skip
    client_id = forms.CharField(
        label=gettext_lazy("Only for the client with this client id"), required=False, max_length=64
    )
    existing_from = day_field(gettext_lazy("For existing clients from"))
    withdraw = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        self.fields["existing_from"].required = False
        self.fields["existing_from"].help_text = _(
            "At least 30 days from now. Empty: only clients that are made from now on."
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        bound = Bound(cleaned["bound"])
        value = None if cleaned["withdraw"] else _value(bound, cleaned["value"])
        day = cleaned["existing_from"]
        since = timezone.make_aware(datetime.combine(day, time.min)) if day and value is not None else None
        self.wanted = policies.Wanted(_about(cleaned), bound, value, existing_from=since)
        try:
            policies.check(self.wanted, now=self.now)
        except Refusal as refusal:
            raise ValidationError(str(in_words(refusal))) from refusal
        return cleaned


class ProposedPolicyForm(PolicyForm, ReasonForm):
    """The same as hidden fields, with the reason: the proposal."""

    field_order = (*PolicyForm.base_fields, "reason")

    @property
    def hidden(self) -> dict[str, str]:
        return {name: self.data[name] for name in PolicyForm.base_fields if self.data.get(name)}


def _value(bound: Bound, typed: str) -> Any:
    if bound in SWITCHES:
        return True
    if bound in NUMBERS:
        least, most = NUMBERS[bound]
        if not (typed.isascii() and typed.isdigit() and least <= int(typed[:9]) <= most):
            raise ValidationError({"value": _("From %(least)s to %(most)s.") % {"least": least, "most": most}})
        return int(typed)
    names = typed.replace(",", " ").split()
    if not names or not set(names) <= set(ALGORITHMS):
        raise ValidationError({"value": _("Some of: %(names)s.") % {"names": " ".join(ALGORITHMS)}})
    return names


def _about(cleaned: dict[str, Any]) -> About:
    if cleaned["api"] and cleaned["client_id"]:
        raise ValidationError({"client_id": _("Choose an API or a client, not both.")})
    if not cleaned["client_id"]:
        return cleaned["api"] or SITE
    client = Client.objects.filter(client_id=cleaned["client_id"]).exclude(status=Client.Status.CLOSED).first()
    if client is None:
        raise ValidationError({"client_id": _("No client here has this client id.")})
    return client
