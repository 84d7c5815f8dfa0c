"""The forms of notices and webhooks. They only validate."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.models import User
from portal.forms.fields import BoundedText, Line, no_secret
from portal.forms.reason import ReasonForm


class NoticeMailsForm(forms.Form):
    notice_mails = forms.ChoiceField(
        label=_("Mail me what waits or failed"), choices=User.NoticeMails.choices, widget=forms.RadioSelect,
        help_text=_("Once a working day: when it begins, and only if there is something."),
    )  # fmt: skip


class WebhookForm(ReasonForm):
    field_order = ("name", "url", "reason")
    name = Line(
        label=_("Name"), max_length=60, help_text=_("What reads it, for instance the team's chat or ticket system.")
    )
    url = BoundedText(
        label=_("Address"), max_length=512, validators=[no_secret],
        help_text=_("Begins with https://. An address that contains a token is read by whoever may see this page."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "class": "kd-mono", "inputmode": "url"}),
    )  # fmt: skip
