"""The forms of the owners of APIs. They only validate; clients/acts/api_callers.py decides."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clients.models import RegistrationScope
from portal.forms.fields import Line, Text, no_secret


class OwnerDecisionForm(forms.Form):
    """`seen` is the content hash of the request on the page."""

    seen = forms.CharField(widget=forms.HiddenInput)
    scopes = forms.MultipleChoiceField(
        label=_("Which of your scopes do you approve?"),
        help_text=_("Nothing is ticked for you. A scope that you leave out cannot be granted."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    reason = Text(
        label=_("Why?"),
        help_text=_("For the Security team and auditors, in the change log. Needed unless you approve everything."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[no_secret],
    )

    def __init__(self, *args: Any, asked: list[RegistrationScope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = {row.scope.name: row.scope for row in asked}
        fields: dict[str, Any] = self.fields
        fields["scopes"].choices = [(name, name) for name in self.asked]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        approved = data.get("scopes", [])
        if set(approved) < set(self.asked) and not data.get("reason"):
            self.add_error("reason", _("Say why you leave scopes out."))
        data["scopes"] = [self.asked[name] for name in approved]
        return data


class DetachForm(forms.Form):
    reason = Text(
        label=_("Reason"),
        help_text=_("The contacts of the client read it in a mail, and it goes in the change log."),
        max_length=1000,
        error_messages={"required": _("Say why: the contacts read it.")},
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[no_secret],
    )


class WriteForm(forms.Form):
    subject = Line(label=pgettext_lazy("of a mail", "Subject"), max_length=120, is_name=False)
    text = Text(
        label=_("Your message"), max_length=4000, widget=forms.Textarea(attrs={"rows": 8}), validators=[no_secret]
    )
