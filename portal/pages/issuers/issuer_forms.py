"""The forms of issuers. They only validate."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from clients.models.federation import MAX_LIFETIME, MIN_LIFETIME
from portal.forms.fields import BoundedText, Line, Text, no_secret
from portal.forms.reason import ReasonForm

MAX_JWKS = 64 * 1024


class ChangeIssuerForm(ReasonForm):
    """Conditions under which tokens of the issuer are accepted."""

    field_order = ("name", "url", "audience", "max_lifetime", "jwks", "reason")
    audience = BoundedText(
        label=_("Audience of its tokens"), required=False, max_length=512, validators=[no_secret],
        help_text=_("Only for an issuer that cannot name this site in aud. Empty is better."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "class": "kd-mono"}),
    )  # fmt: skip
    max_lifetime = forms.IntegerField(
        label=_("Longest lifetime of its tokens, in seconds"), initial=3600,
        help_text=_("3600, unless its tokens live longer; at most 86400. A stolen token works that long."),
        validators=[MinValueValidator(MIN_LIFETIME), MaxValueValidator(MAX_LIFETIME)],
    )  # fmt: skip
    jwks = Text(
        label=_("Its keys"), required=False, max_length=MAX_JWKS,
        help_text=_("A JSON Web Key Set, only for an issuer whose keys cannot be fetched."),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "kd-mono"}),
    )  # fmt: skip

    def clean_jwks(self) -> dict[str, Any] | None:
        typed: str = self.cleaned_data["jwks"]
        if not typed.strip():
            return None
        try:
            found = json.loads(typed)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ValidationError(_("This is no JSON Web Key Set."))
        return found


class NewIssuerForm(ChangeIssuerForm):
    name = Line(
        label=_("Name"), max_length=60, help_text=_("As contacts see it, for instance GitHub Actions. It stays.")
    )
    url = BoundedText(
        label=_("Issuer"), max_length=512, validators=[no_secret],
        help_text=_("As in iss of its tokens, to the character, beginning with https://. It stays."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "class": "kd-mono", "inputmode": "url"}),
    )  # fmt: skip
