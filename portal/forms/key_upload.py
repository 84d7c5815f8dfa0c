"""Three ways to upload a public key: pasted, as a file, or made in the browser."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.keymaterial.formats import MAX_SCANNED_BYTES

MAX_UPLOAD = MAX_SCANNED_BYTES  # characters or bytes
PASTED, FILE, MADE = "pasted", "file", "made"
WAYS = {"paste": PASTED, "file": FILE, "make": MADE}
MISSING = {
    PASTED: gettext_lazy("Paste a certificate or a JSON Web Key."),
    FILE: gettext_lazy("Choose a file of at most 64 KB."),
    MADE: gettext_lazy("Make a key pair first, or choose another way."),
}


def _pasted_hint() -> str:
    return format_html(
        _("Starts with {begin} or {brace}. Only the public part. Never paste a private key."),
        begin=format_html('<span class="kd-mono kd-nowrap">{}</span>', "-----BEGIN CERTIFICATE-----"),
        brace=format_html('<span class="kd-mono">{}</span>', "{"),
    )


class KeyUploadForm(forms.Form):
    way = forms.ChoiceField(
        label=gettext_lazy("How do you want to give us the public key?"),
        choices=[(way, way) for way in WAYS],
        widget=forms.RadioSelect,
    )
    pasted = forms.CharField(
        label=gettext_lazy("Certificate or JSON Web Key"),
        required=False,
        strip=False,
        max_length=MAX_UPLOAD,
        widget=forms.Textarea(attrs={"class": "kd-mono", "rows": 6, "spellcheck": "false", "maxlength": None}),
    )
    file = forms.FileField(
        label=gettext_lazy("Certificate or key file"),
        help_text=gettext_lazy(
            "At most 64 KB. From a .p12 or .pfx file, export the certificate first: that file also holds your private "
            "key."
        ),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".pem,.crt,.cer,.der,.json,.jwk,.jwks"}),
    )
    made = forms.CharField(
        label=gettext_lazy("Public key that we will store"),
        help_text=gettext_lazy(
            "The private key is in your downloads folder. Move it to your secret vault now; we cannot give it to you "
            "again."
        ),
        required=False,
        max_length=MAX_UPLOAD,
        widget=forms.Textarea(attrs={"class": "kd-mono", "rows": 8, "readonly": True, "maxlength": None}),
    )

    # A browser that makes a key pair also proves possession of the private half (keydesk.js).
    challenge = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)
    proof = forms.CharField(required=False, max_length=MAX_UPLOAD, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[PASTED].help_text = _pasted_hint()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "way" in cleaned and self.chosen not in self.errors and not cleaned.get(self.chosen):
            self.add_error(self.chosen, MISSING[self.chosen])
        return cleaned

    @property
    def chosen(self) -> str:
        """Return the name of the field that holds the key."""
        return WAYS[self.cleaned_data["way"]]

    def material(self) -> bytes:
        if self.chosen == FILE:
            content: bytes = self.cleaned_data[FILE].read(MAX_UPLOAD)
            return content
        text: str = self.cleaned_data[self.chosen]
        return text.encode()

    @property
    def file_name(self) -> str:
        return self.cleaned_data[FILE].name if self.chosen == FILE else ""

    @property
    def made_proof(self) -> dict[str, str] | None:
        """Return the proof of possession for a key made in the browser, with the text that was signed; else None."""
        if self.chosen != MADE or not self.cleaned_data["proof"]:
            return None
        return {name: self.cleaned_data[name] for name in ("challenge", "proof")}
