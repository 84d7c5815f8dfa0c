"""Forms for the JSON that a browser sends for a passkey; it may be hostile."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
    SignupWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.forms.fields import Line
from portal.sign_in import attempts

MAX_CREDENTIAL_LENGTH = 64 * 1024  # characters; with an attestation it has about 8,000
MAX_BRACKETS = 100
INCORRECT = "incorrect_code"  # allauth's error code for a credential, too
# Raised by allauth and its library for JSON or CBOR of an unexpected shape.
MALFORMED = (LookupError, AttributeError, TypeError, ValueError, RecursionError, struct.error)


class CredentialDecoder(json.JSONDecoder):
    """JSON decoder that checks the size first: the parser recurses, and has its own errors for long numbers."""

    def decode(self, s: str, *args: Any) -> Any:
        """Decode a credential. Raises json.JSONDecodeError, and no other exception for any text."""
        if len(s) > MAX_CREDENTIAL_LENGTH or s.count("[") + s.count("{") > MAX_BRACKETS:
            raise json.JSONDecodeError("too large", "", 0)
        try:
            return super().decode(s, *args)
        except ValueError as error:
            raise json.JSONDecodeError("not a credential", "", 0) from error


@contextmanager
def refused_if_wrong() -> Iterator[None]:
    """Turn what allauth raises for a wrong or a malformed credential into a form error; its own speaks of a code."""
    try:
        yield
    except (*MALFORMED, ValidationError) as error:
        if getattr(error, "code", INCORRECT) != INCORRECT:
            raise
        raise ValidationError(_("This passkey did not work. Try again."), code=INCORRECT) from error


class BoundedCredential(forms.Form):
    """Mix-in that bounds the credential of allauth's forms, which take one of any size."""

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
        with refused_if_wrong():
            return super().clean() or {}


class UsedCredential(BoundedCredential):
    def clean_credential(self) -> Authenticator:
        user = self.user  # type: ignore[attr-defined]  # declared by allauth's form, the other base
        with attempts.judged("passkey", user), refused_if_wrong():
            used: Authenticator = super().clean_credential()  # type: ignore[misc]  # as above
        return used


class PasskeyForm(NewCredential, SignupWebAuthnForm):
    """Registration of a passkey that signs in alone: the device checks a fingerprint, a face or a PIN each time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = passkey_name_field()


class SignInWithPasskeyForm(UsedCredential, LoginWebAuthnForm):
    """Sign-in with a passkey instead of a password."""


class PasskeyAfterPasswordForm(UsedCredential, AuthenticateWebAuthnForm):
    """Sign-in with a passkey as the second factor."""


class PasskeyAgainForm(UsedCredential, ReauthenticateWebAuthnForm):
    """Confirmation with a passkey before a change of the ways to sign in."""
