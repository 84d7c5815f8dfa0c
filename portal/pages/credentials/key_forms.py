"""Three ways to hand over a public key, and what becomes of the key in use."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.keymaterial.formats import LOOKED_AT
from clients.models import Key
from portal.pages.credentials.secret_forms import OVERLAPS
from portal.ui.template_tags import moment

MOST = LOOKED_AT  # characters or bytes
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
        begin=format_html('<span class="kd-mono">{}</span>', "-----BEGIN CERTIFICATE-----"),
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
        max_length=MOST,
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
        max_length=MOST,
        widget=forms.Textarea(attrs={"class": "kd-mono", "rows": 8, "readonly": True, "maxlength": None}),
    )

    # The browser that makes a key pair also proves that it has it (keydesk.js).
    challenge = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)
    proof = forms.CharField(required=False, max_length=MOST, widget=forms.HiddenInput)

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
        """The field that the key is in."""
        return WAYS[self.cleaned_data["way"]]

    def material(self) -> bytes:
        value = self.cleaned_data[self.chosen]
        return value.read(MOST) if self.chosen == FILE else value.encode()

    @property
    def file_name(self) -> str:
        return self.cleaned_data[FILE].name if self.chosen == FILE else ""

    @property
    def made_proof(self) -> dict[str, str] | None:
        """The proof of a key that the browser made, with what it signed."""
        if self.chosen != MADE or not self.cleaned_data["proof"]:
            return None
        return {name: self.cleaned_data[name] for name in ("challenge", "proof")}


class AddKeyForm(forms.Form):
    """On the page "what we understood": when the key works, what becomes of the one in use, and the private half."""

    start = forms.ChoiceField(
        label=gettext_lazy("When may your software use the new key?"),
        choices=[("now", gettext_lazy("At once")), ("later", gettext_lazy("Later, when I activate it"))],
        initial="now",
        widget=forms.RadioSelect,
    )
    challenge = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)
    proof = forms.CharField(
        label=gettext_lazy("What the command printed"),
        required=False,
        max_length=MOST,
        widget=forms.Textarea(
            attrs={"class": "kd-mono", "rows": 4, "spellcheck": "false", "autocomplete": "off", "maxlength": None}
        ),
    )
    old = forms.ChoiceField(
        label=gettext_lazy("What about the key in use now?"), required=False, initial="keep", widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, in_use: Key | None, now: datetime, renewed: bool = False, **kwargs: Any) -> None:
        """`in_use`: the one that a new key replaces. `renewed`: all take the place of keys, in the state of those."""
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
            "keep": _("Both work side by side. You can remove it sooner."),
            "0": _("Your software is refused until it uses the new key id."),
        }
