"""Form fields that several pages use."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.models.credentials import MAX_LABEL
from clients.organisations import numbers as organisation_numbers
from foundation import email_addresses
from foundation.names import check_line, check_name
from foundation.secret_format import without_secrets


def no_secret(text: str) -> None:
    """Refuse a text with a secret in it: mails carry such texts, and the change log keeps them (docs/security.md)."""
    if without_secrets(text) != text or "PRIVATE KEY-----" in text:
        raise ValidationError(
            _("There is a secret, a token or a private key in this text. Leave it out, and treat it as leaked.")
        )


class BoundedText(forms.CharField):
    """Text whose length is checked first, so that patterns and other validators see no text that is too long."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def is_too_long(self, text: str) -> bool:
        """Return whether `validate` will refuse the text for its length, so that nothing else needs to look at it."""
        return self.max_length is not None and len(text) > self.max_length

    def validate(self, value: str) -> None:
        super().validate(value)
        MaxLengthValidator(self.max_length)(value)


class Line(BoundedText):
    """Text on one line: runs of white space become one blank; foundation/names.py decides which texts are names.

    A name can thus not break a mail's layout or disguise itself in the change log. Without `is_name`, numbers pass too.
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


class OrganisationNumber(Line):
    """The number of an organisation in its country's register, in its normal form."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(is_name=False, max_length=organisation_numbers.MAX_LENGTH, **kwargs)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        return text if self.is_too_long(text) else organisation_numbers.normal(text)

    def validate(self, value: str) -> None:
        super().validate(value)
        if value:
            organisation_numbers.check(value)


class PhoneNumber(Line):
    """A telephone number in international form (E.164), in the groups of digits in which it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            is_name=False, max_length=30,
            widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}), **kwargs,
        )  # fmt: skip

    def to_python(self, value: Any) -> str:
        """Drop what is not dialled: separators, and the zero in brackets. "00" before the country code is a plus."""
        text = super().to_python(value)
        if self.is_too_long(text):
            return text
        text = re.sub(r"[\s.\-/()]+", " ", text.replace("(0)", " ")).strip()
        return f"+{text[2:].lstrip()}" if text.startswith("00") else text

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not re.fullmatch(r"\+[1-9](?: ?[0-9]){6,14}", value):
            raise ValidationError(_("Enter the number with + and the code of the country, like +32 2 123 45 67."))


class Text(BoundedText):
    """Text of several lines. Line ends are normalised: browsers send two characters, but count one in `maxlength`."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


def label_field() -> BoundedText:
    """Return the field for the label of a credential, which its owners choose."""
    return BoundedText(
        label=gettext_lazy("Label"),
        help_text=gettext_lazy("Where it is used, for example. Your colleagues see it, too."),
        required=False,
        max_length=MAX_LABEL,
    )


def code_field() -> forms.CharField:
    """Return the field for the six digits of a mailed code; blanks between them are allowed (WCAG 3.3.8)."""
    return forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        error_messages={"required": gettext_lazy("Type the six digits from the mail.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 20, "spellcheck": "false"}
        ),
    )


class AddressField(forms.EmailField):
    """A mail address, normalised: one spelling for each mailbox (foundation/email_addresses.py)."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if not text or len(text) > email_addresses.MAX_LENGTH:
            return text  # left to the validators, which name the fault
        try:
            return email_addresses.normal(text)
        except email_addresses.NotAnAddress as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


def email_field(label: Any, help_text: Any = "", *, autocomplete: str = "email") -> AddressField:
    """Return the field for a mail address. The texts may be lazy."""
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
    """Return the field for a day near this century; midnight after the day is thus a moment in any time zone."""
    return forms.DateField(
        label=label,
        required=False,
        validators=[MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
        widget=forms.DateInput(attrs={"type": "date"}),
    )
