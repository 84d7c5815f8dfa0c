"""The reason of a member of staff: required on each of their forms, and the note of the entry in the change log."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.forms.fields import Line, Text, no_secret

MIN_REASON = 4  # characters: "INC7" is a reason, "x" is none


class ReasonForm(forms.Form):
    """A reason, alone or as a base of forms with more fields."""

    reason_help: str | Promise = _("Stays in the change log. Add a case number if you have one.")
    reason = Text(
        label=_("Why?"),
        min_length=MIN_REASON,
        max_length=1000,
        error_messages={"required": _("Say why: it stays in the change log.")},
        widget=forms.Textarea(attrs={"rows": 2}),
        validators=[no_secret],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = str(self.reason_help)


class ReasonAndMessageForm(ReasonForm):
    """A reason and a message, for acts that stop software: the contacts read `message` in their mail."""

    reason_help: str | Promise = _("Stays in the change log. Contacts do not read it: the message below is for them.")
    message = Text(
        label=_("Message to the contacts"),
        help_text=_("Stands in the e-mail that they get: what happened, and what they should do."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[no_secret],
    )


class CaseForm(ReasonAndMessageForm):
    """The same for acts on a client that may belong to a case; its number is a text such as 4711 or SEC-2026-031."""

    case = Line(
        label=_("Case number"), help_text=_("If this belongs to an incident: the act then stands in its report."),
        is_name=False, required=False, max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    field_order = ("case", "reason", "message")


class IncidentForm(CaseForm):
    """The same for acts of the incident desk, which belong to a case."""

    case = Line(
        label=_("Case number"), is_name=False, max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Give the number of the case: the report is made by it.")},
    )  # fmt: skip
