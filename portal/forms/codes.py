"""The form for a mailed code."""

from datetime import datetime

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.access import one_time_codes
from clients.models import MailedCode
from portal.forms.fields import code_field
from portal.ui.dates import clock


class CodeForm(forms.Form):
    code = code_field()

    def show_limits(self, code: MailedCode | None, now: datetime) -> None:
        """Tell until when the code works and how many tries are left, on the page that is about to be shown."""
        left = one_time_codes.tries_left(code, now)
        if code is None or not left:
            hint = _("No code works at the moment. Ask for a new one below.")
        else:
            until = ngettext(
                "Works until %(time)s, in this browser only. %(count)s try left.",
                "Works until %(time)s, in this browser only. %(count)s tries left.",
                left,
            )
            hint = until % {"time": clock(code.expires_at), "count": left}
        self["code"].help_text = hint
