"""A form that narrows a list: what is chosen stands in the page's address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _

from foundation.secret_format import without_secrets


def no_credential(text: str) -> None:
    """A secret or token belongs into no address of a page, which histories and logs keep: it has a page of its own."""
    if without_secrets(text) != text:
        raise ValidationError(
            _(
                "This is a secret or a token. Look it up on the page “Incident”, and treat it as leaked: the address "
                "of this page now holds it."
            )
        )


class FilterForm(forms.Form):
    def active(self) -> dict[str, str]:
        """The filters in use, as they stand in the address."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}

    def chips(self) -> list[dict[str, str]]:
        """The filters in use as people read them, each with the address without it."""
        active = self.active()
        return [
            {
                "label": f"{self[name].label}: {self._chosen(name)}",
                "url": "?" + urlencode({other: active[other] for other in active if other != name}),
            }
            for name in active
        ]

    def _chosen(self, name: str) -> str:
        """What the page calls the value of one filter."""
        choices: list[tuple[Any, Any]] = list(flatten_choices(getattr(self.fields[name], "choices", [])))
        return next((str(label) for value, label in choices if value == self.data[name]), self.data[name])
