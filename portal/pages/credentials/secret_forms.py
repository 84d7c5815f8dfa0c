"""Forms for the overlap: how long an old credential works on beside its successor."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.acts.credentials.client_secrets import OVERLAPS
from clients.models import Key
from portal.ui.dates import moment


class OverlapForm(forms.Form):
    overlap = forms.ChoiceField(
        label=_("How long should the old one keep working?"),
        error_messages={"required": _("Choose how long the old one keeps working.")},
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, now: datetime, key: Key | None = None, **kwargs: Any) -> None:
        """`key`: the credential that ends, if it is no secret."""
        super().__init__(*args, **kwargs)
        field = cast(forms.ChoiceField, self.fields["overlap"])
        field.choices = [(value, label) for value, (_span, label) in OVERLAPS.items()]
        field.initial = "24h"
        ends = {value: now + span for value, (span, _label) in OVERLAPS.items()}
        if key:
            ends = {value: key.end_by(end, now) for value, end in ends.items()}
        until = {value: _("Until %(moment)s.") % {"moment": moment(end)} for value, end in ends.items()}
        self.hints = {"overlap": {**until, "0": _("Choose this when it leaked.")}}


class TokensForm(forms.Form):
    """Choice to end the tokens together with a key or secret, in case of theft."""

    tokens = forms.BooleanField(
        label=_("Invalidate the tokens that it got, too"), help_text=_("Choose this when it leaked."), required=False
    )


class RetireForm(TokensForm, OverlapForm):
    """Choice when the credential ends, and whether its tokens end with it."""

    field_order = ("overlap", "tokens")


class RegenerateForm(RetireForm):
    """`replaces` is the secret that the page showed; empty for none."""

    replaces = forms.UUIDField(required=False, widget=forms.HiddenInput)
