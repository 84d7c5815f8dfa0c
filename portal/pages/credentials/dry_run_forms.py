"""Form of the dry run: a pasted token request, or a client assertion alone."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.models import Client
from tokens.policy import from_settings
from tokens.protocol import pasted
from tokens.protocol.hiding import without_credentials
from tokens.protocol.pasted import HIDDEN, Pasted
from tokens.serving import rehearsal
from tokens.serving.rehearsal import Credentials

MAX_LENGTH = 64 * 1024  # characters
MIN_LENGTH = 4  # characters of a secret that is looked for in the text; a shorter one could be part of any word


class DryRunForm(forms.Form):
    request = forms.CharField(
        label=gettext_lazy("Token request"),
        help_text=gettext_lazy(
            "A curl command, the HTTP request as it is sent, or the client assertion alone: three parts with dots "
            "between them."
        ),
        max_length=MAX_LENGTH,
        widget=forms.Textarea(
            attrs={
                "class": "kd-mono", "rows": 12, "spellcheck": "false", "autocomplete": "off", "maxlength": None,
                "data-hide": True,
            }
        ),
        error_messages={"required": gettext_lazy("Paste the request that your software makes.")},
    )  # fmt: skip

    def __init__(self, *args: Any, client: Client, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = client
        self.pasted: Pasted | None = None  # None: an assertion alone
        self.credentials = Credentials()

    def clean_request(self) -> str:
        text = str(self.cleaned_data["request"])
        if "PRIVATE KEY-----" in text:
            self.data = {}  # it must not be sent back in a page
            raise forms.ValidationError(
                _(
                    "You pasted a private key. Treat it as leaked and make a new pair. Paste here what you "
                    "signed with the key, never the key itself."
                )
            )
        if pasted.is_request(text):
            self.pasted = self._read(text)
        credentials = rehearsal.presented(self.pasted.request) if self.pasted else Credentials(assertion=text)
        if HIDDEN in credentials.assertion:
            raise forms.ValidationError(
                _("The client assertion in it has no signature: we do not keep it. Paste the assertion again.")
            )
        if (sent := credentials.client_id) and sent != self.client.client_id:
            raise forms.ValidationError(
                _("It names the client id %(sent)s. This page tests requests of %(expected)s.")
                % {"sent": sent[:100], "expected": self.client.client_id}
            )
        self.credentials = credentials
        return text

    def clean(self) -> dict[str, Any]:
        if self.errors and self.data:
            text = self.data.get("request", "")
            self.data = {"request": without_credentials(text) if len(text) <= MAX_LENGTH else ""}
        return super().clean() or {}

    def shown(self) -> str:
        """Return the text without its credentials, for the page after the redirect."""
        secret = self.credentials.secret
        also = [secret] if len(secret) >= MIN_LENGTH else []
        return without_credentials(self.cleaned_data["request"], also)

    def _read(self, text: str) -> Pasted:
        try:
            return pasted.read(text, path=f"{from_settings().path}token", client_id=self.client.client_id)
        except pasted.DataInFile:
            raise forms.ValidationError(
                _("The command sends what is in a file. Paste the content in the place of the file's name.")
            ) from None
        except pasted.NoRequest:
            raise forms.ValidationError(_("The address in it cannot be read.")) from None
