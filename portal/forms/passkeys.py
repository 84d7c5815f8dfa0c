from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import LoginWebAuthnForm, SignupWebAuthnForm
from django.utils.translation import gettext_lazy as _

from clients.names import check_name


class PasskeyForm(SignupWebAuthnForm):
    """A passkey that signs in alone: the device checks a fingerprint, a face or a PIN each time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of the passkey")
        self.fields["name"].help_text = _("So that you can tell two apart, for instance “Laptop” or “Blue key”.")
        self.fields["name"].widget.attrs["maxlength"] = self.fields["name"].max_length = 60

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if name:
            check_name(name)
        return name

    def clean(self) -> dict[str, Any]:
        with refused_if_malformed():
            return super().clean()


class SignInWithPasskeyForm(LoginWebAuthnForm):
    def clean_credential(self) -> Authenticator:
        with refused_if_malformed():
            return super().clean_credential()


@contextmanager
def refused_if_malformed() -> Iterator[None]:
    """allauth expects what a browser makes; others can send JSON of any shape."""
    try:
        yield
    except (KeyError, AttributeError, TypeError) as error:
        raise get_adapter().validation_error("incorrect_code") from error
