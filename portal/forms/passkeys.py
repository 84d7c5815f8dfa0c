"""Forms for the JSON that a browser sends for a passkey; it may be hostile."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
    SignupWebAuthnForm,
)
from django import forms
from django.utils.translation import gettext_lazy as _

from portal.forms.fields import Line
from portal.sign_in import attempts

MAX_CREDENTIAL_LENGTH = 64 * 1024  # characters; with an attestation it has about 8,000
MAX_BRACKETS = 100
# Raised by allauth and its library for JSON or CBOR of an unexpected shape.
MALFORMED = (LookupError, AttributeError, TypeError, ValueError, RecursionError, struct.error)


class CredentialDecoder(json.JSONDecoder):
    """JSON whose size is checked before it is parsed. The parser recurses, and refuses long numbers in its own way."""

    def decode(self, s: str, *args: Any) -> Any:
        """Raises json.JSONDecodeError, and nothing else whatever the text."""
        if len(s) > MAX_CREDENTIAL_LENGTH or s.count("[") + s.count("{") > MAX_BRACKETS:
            raise json.JSONDecodeError("too large", "", 0)
        try:
            return super().decode(s, *args)
        except ValueError as error:
            raise json.JSONDecodeError("not a credential", "", 0) from error


@contextmanager
def refused_if_malformed() -> Iterator[None]:
    """Turn a malformed credential into an answer of the form."""
    try:
        yield
    except MALFORMED as error:
        raise get_adapter().validation_error("incorrect_code") from error


class BoundedCredential(forms.Form):
    """For allauth's forms, which take a credential of any size."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = forms.JSONField(decoder=CredentialDecoder, widget=forms.HiddenInput)


def passkey_name_field() -> Line:
    return Line(
        label=_("Name of the passkey"),
        help_text=_("So that you can tell two apart, for instance “Laptop” or “Blue key”."),
        required=False,
        max_length=60,
    )


class NewCredential(BoundedCredential):
    def clean(self) -> dict[str, Any]:
        with refused_if_malformed():
            return super().clean() or {}


class UsedCredential(BoundedCredential):
    def clean_credential(self) -> Authenticator:
        user = self.user  # type: ignore[attr-defined]  # of the form of allauth's beside it
        with attempts.judged("passkey", user), refused_if_malformed():
            used: Authenticator = super().clean_credential()  # type: ignore[misc]  # as above
        return used


class PasskeyForm(NewCredential, SignupWebAuthnForm):
    """A passkey that signs in alone: the device checks a fingerprint, a face or a PIN each time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = passkey_name_field()


class SignInWithPasskeyForm(UsedCredential, LoginWebAuthnForm):
    """Instead of a password."""


class PasskeyAfterPasswordForm(UsedCredential, AuthenticateWebAuthnForm):
    """As the second factor."""


class PasskeyAgainForm(UsedCredential, ReauthenticateWebAuthnForm):
    """Before how one signs in is changed."""
