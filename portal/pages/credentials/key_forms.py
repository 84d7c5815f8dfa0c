"""Forms for the start of a new key and the end of the key in use."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.acts.credentials.client_secrets import OVERLAPS
from clients.models import Key
from portal.forms.fields import label_field
from portal.forms.key_upload import MAX_UPLOAD
from portal.ui.dates import moment


class AddKeyForm(forms.Form):
    """On the page "what we understood": when the key works, the end of the key in use, and the proof of possession."""

    start = forms.ChoiceField(
        label=gettext_lazy("When may your software use the new key?"),
        choices=[("now", gettext_lazy("Immediately")), ("later", gettext_lazy("Later, when I activate it"))],
        initial="now",
        widget=forms.RadioSelect,
    )
    label = label_field()
    challenge = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)
    proof = forms.CharField(
        label=gettext_lazy("What the command printed"),
        required=False,
        max_length=MAX_UPLOAD,
        widget=forms.Textarea(
            attrs={"class": "kd-mono", "rows": 4, "spellcheck": "false", "autocomplete": "off", "maxlength": None}
        ),
    )
    old = forms.ChoiceField(
        label=gettext_lazy("What about the key in use now?"), required=False, initial="keep", widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, in_use: Key | None, now: datetime, renewed: bool = False, **kwargs: Any) -> None:
        """`in_use`: the key that a new one replaces. `renewed`: all new keys replace one, and take its state."""
        super().__init__(*args, **kwargs)
        if renewed:
            del self.fields["start"]
        self.hints = {"start": {"later": _("It is staged: stored, but not accepted yet.")}}
        if in_use is None:
            del self.fields["old"]
            return
        end = moment(in_use.not_after)
        keep = _("Keep it until it expires, %(moment)s") % {"moment": end} if end else _("Keep it")
        spans = {"7d": OVERLAPS["7d"], "24h": OVERLAPS["24h"], "0": OVERLAPS["0"]}
        field = cast(forms.ChoiceField, self.fields["old"])
        field.choices = [("keep", keep), *((value, label) for value, (_span, label) in spans.items())]
        ends = {value: moment(in_use.end_by(now + span, now)) for value, (span, _label) in spans.items()}
        until = {value: _("Until %(moment)s.") % {"moment": end} for value, end in ends.items()}
        self.hints["old"] = {
            **until,
            "keep": _("Both work side by side. You can retire the key sooner."),
            "0": _("Your software is refused until it uses the new key id."),
        }
