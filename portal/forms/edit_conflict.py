"""Forms with an optimistic lock: a change by somebody else while the form is open is shown, not overwritten."""

from __future__ import annotations

from typing import cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from clients.edit_tags import Stale
from portal.explanations.sentences import sentence_of


class SeenForm(forms.Form):
    """`seen` is the edit tag of the state that the page was made from, and `initial` the present state."""

    seen = forms.CharField(widget=forms.HiddenInput)
    is_stale = False

    def show_again(self, problem: Stale) -> None:
        """Keep what was typed, and take the present state as seen: saving again then overwrites it."""
        self.is_stale = True
        self.data = data = cast(QueryDict, self.data).copy()
        data["seen"] = self.initial["seen"]
        self.add_error(None, sentence_of(problem))

    @property
    def differences(self) -> list[dict[str, str]]:
        """Return what saving again would change, as components/diff.html wants it."""
        fields = [self[name] for name in self.changed_data if name not in ("seen", "reason")] if self.is_stale else []
        return [
            {"field": str(field.label), "before": _shown(field.initial), "after": _shown(field.value())}
            for field in fields
        ]


def status_of(form: forms.Form) -> int:
    """Return the HTTP status of a page that shows this form: 409 after an edit conflict, 422 with errors, else 200."""
    if isinstance(form, SeenForm) and form.is_stale:
        return 409
    return 422 if form.errors else 200


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return " ".join(sorted(value))
    return "" if value is None else str(value)
