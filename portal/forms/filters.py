"""A form that narrows a list; its values are the query of the page's address."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _

from foundation.secret_format import without_secrets
from portal.ui.dates import day

CREDENTIAL = "credential"


def no_credential(text: str) -> None:
    """Refuse secrets and tokens, which must not stand in an address: histories and access logs keep addresses."""
    if _has_credential(text):
        raise ValidationError(
            _(
                "This is a secret or a token. Treat it as leaked: the address of this page now holds it. Open its "
                "client, and replace the secret or revoke the token. If you cannot open its client, report it on the "
                "page “End what leaked”."
            ),
            code=CREDENTIAL,
        )


def no_credential_of_clients(text: str) -> None:
    """Do as `no_credential`, on pages that the Security team alone opens."""
    if _has_credential(text):
        raise ValidationError(
            _(
                "This is a secret or a token. Look it up on the page “Incident”, and treat it as leaked: the address "
                "of this page now holds it."
            ),
            code=CREDENTIAL,
        )


def _has_credential(text: str) -> bool:
    return without_secrets(text) != text


class FilterForm(forms.Form):
    def full_clean(self) -> None:
        super().full_clean()
        self.forget()

    def forget(self) -> None:
        """Leave secrets and tokens out of the page that shows the filters again."""
        if held := [name for name in self.errors if self.has_error(name, CREDENTIAL)]:
            self.data = {name: self.data[name] for name in self.data if name not in held}

    def active(self) -> dict[str, str]:
        """Return the filters in use as query parameters."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}

    def chips(self) -> list[dict[str, str]]:
        """Return the filters in use with their words, each with the address without it."""
        active = self.active()
        return [
            {
                "label": _("%(name)s: %(value)s") % {"name": self[name].label, "value": self._chosen(name)},
                "url": "?" + urlencode({other: active[other] for other in active if other != name}),
            }
            for name in active
        ]

    def _chosen(self, name: str) -> str:
        """Return the label of a filter's value, and a date in the reader's language."""
        if name not in self.errors and isinstance(value := self.cleaned_data[name], date):
            return day(value)
        choices: list[tuple[Any, Any]] = list(flatten_choices(getattr(self.fields[name], "choices", [])))
        return next((str(label) for value, label in choices if value == self.data[name]), self.data[name])
