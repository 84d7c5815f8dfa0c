"""Form fields that several pages use."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation import email_addresses
from foundation.names import check_line, check_name
from foundation.secret_format import without_secrets


def no_secret(text: str) -> None:
    """For texts that others read: mails carry them, and the change log keeps them for good (docs/security.md)."""
    if without_secrets(text) != text or "PRIVATE KEY-----" in text:
        raise ValidationError(
            _("There is a secret, a token or a private key in this text. Leave it out, and treat it as leaked.")
        )


class BoundedText(forms.CharField):
    """Text whose length is checked first: no pattern and no other validator sees a text that is too long."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def validate(self, value: str) -> None:
        super().validate(value)
        MaxLengthValidator(self.max_length)(value)


class Line(BoundedText):
    """A name, on one line: runs of white space become one blank, and what is no name is refused (foundation/names.py).

    So a name cannot break a mail's layout or disguise itself in the change log. Without `is_name` it may be a number.
    """

    def __init__(self, *, is_name: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check_name if is_name else check_line

    def to_python(self, value: Any) -> str:
        return " ".join((super().to_python(value) or "").split())

    def validate(self, value: str) -> None:
        super().validate(value)
        no_secret(value)
        if value:
            self.check(value)


class Text(BoundedText):
    """Several lines. A browser sends two characters for the end of a line, and counts one towards `maxlength`."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


def code_field() -> forms.CharField:
    """The six digits of a mailed code; blanks between them do no harm (WCAG 3.3.8: pasting works)."""
    return forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        error_messages={"required": gettext_lazy("Type the six digits from the mail.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 20, "spellcheck": "false"}
        ),
    )


class AddressField(forms.EmailField):
    """A mail address in its normal form: one mailbox has one spelling from here on (foundation/email_addresses.py)."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if not text or len(text) > email_addresses.MAX_LENGTH:
            return text  # the validators say what is wrong
        try:
            return email_addresses.normal(text)
        except email_addresses.NotAnAddress as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


def email_field(label: Any, help_text: Any = "", *, autocomplete: str = "email") -> AddressField:
    """The texts may be lazy."""
    return AddressField(
        label=label,
        help_text=help_text,
        max_length=254,
        error_messages={
            "required": gettext_lazy("Enter an e-mail address."),
            "invalid": gettext_lazy("Enter an e-mail address like name@organisation.example."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": autocomplete, "spellcheck": "false"}),
    )


def day_field(label: Any) -> forms.DateField:
    """A day of this or a nearby century: midnight after it, in any time zone, is a moment too."""
    return forms.DateField(
        label=label,
        required=False,
        validators=[MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
        widget=forms.DateInput(attrs={"type": "date"}),
    )
