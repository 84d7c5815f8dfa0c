"""Why a member of staff acts: required on each of their forms, and the note of the act's entry in the change log."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.forms.fields import Text, no_secret

MIN_REASON = 4  # characters: "INC7" is a reason, "x" is none


class ReasonForm(forms.Form):
    """Alone, or among the bases of a form with more fields."""

    reason_help: str | Promise = _(
        "Stays in the change log, where the client's contacts read it too. Add a case number if you have one."
    )
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
    """For an act that stops software: the contacts read `message` in their mail."""

    message = Text(
        label=_("Message to the contacts"),
        help_text=_("Stands in the e-mail that they get: what happened, and what they should do."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[no_secret],
    )


class InternalReasonForm(ReasonForm):
    """For an act that is in no client's history: only the team and auditors read its entry."""

    reason_help: str | Promise = _("Stays in the change log. Add a case number if you have one.")
