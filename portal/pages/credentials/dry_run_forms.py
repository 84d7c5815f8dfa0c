from django import forms
from django.utils.translation import gettext_lazy as _


class DryRunForm(forms.Form):
    assertion = forms.CharField(
        label=_("Client assertion"),
        help_text=_(
            "The client_assertion: three parts with dots between them, or the whole form it is in. We do not keep it "
            "and do not use it up, so you can still send it."
        ),
        max_length=64 * 1024,
        widget=forms.Textarea(
            attrs={
                "class": "kd-mono", "rows": 8, "spellcheck": "false", "autocomplete": "off", "maxlength": None,
            }
        ),
        error_messages={"required": _("Paste the client assertion that your software makes.")},
    )  # fmt: skip

    def clean_assertion(self) -> str:
        text = str(self.cleaned_data["assertion"])
        if "PRIVATE KEY-----" in text:
            self.data = {}  # it must not be sent back in a page
            raise forms.ValidationError(
                _(
                    "You pasted a private key. Treat it as leaked and make a new pair. Paste here what you "
                    "signed with the key, never the key itself."
                )
            )
        return text
