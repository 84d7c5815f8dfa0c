"""A form over something that somebody else may change while it is filled in."""

from __future__ import annotations

from typing import cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from clients.edit_tags import Stale
from portal.explanations.sentences import sentence_of


class SeenForm(forms.Form):
    """`seen` is the fingerprint of what was there when the page was made, and `initial` what is there now."""

    seen = forms.CharField(widget=forms.HiddenInput)
    is_stale = False

    def show_again(self, problem: Stale) -> None:
        """Keeps what was typed, for what is there now: saving again saves it over that."""
        self.is_stale = True
        self.data = data = cast(QueryDict, self.data).copy()
        data["seen"] = self.initial["seen"]
        self.add_error(None, sentence_of(problem))

    @property
    def differences(self) -> list[dict[str, str]]:
        """What saving again would change, as components/diff.html wants it."""
        fields = [self[name] for name in self.changed_data if name not in ("seen", "reason")] if self.is_stale else []
        return [
            {"field": str(field.label), "before": _shown(field.initial), "after": _shown(field.value())}
            for field in fields
        ]


def status_of(form: forms.Form) -> int:
    """Of the page that shows this form."""
    if isinstance(form, SeenForm) and form.is_stale:
        return 409
    return 422 if form.errors else 200


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return " ".join(sorted(value))
    return "" if value is None else str(value)
