"""The forms of staff sign-in: allauth's own, in our words and with what our field component needs."""

from typing import Any

from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

# A recovery code fits the same field, so no `inputmode`: it has letters.
CODE_INPUT = {"autocomplete": "one-time-code", "maxlength": 16, "spellcheck": "false"}


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        self.fields["login"].widget = forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"})
        self.fields["password"].widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})


class PasswordAgainForm(ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})


def _plain_code(form: forms.Form, help_text: Any) -> None:
    form.fields["code"].widget = forms.TextInput(attrs=CODE_INPUT)
    form.fields["code"].label = _("Code")
    form.fields["code"].help_text = help_text


class CodeForm(AuthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_code(self, _("The six digits of your authenticator app, or one of your recovery codes."))


class CodeAgainForm(ReauthenticateByCodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_code(self, _("The six digits of your authenticator app, or one of your recovery codes."))


class FirstCodeForm(ActivateTOTPForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_code(self, _("The six digits that the app shows now."))


class AddPasskeyForm(AddWebAuthnForm):
    """Only passkeys that prove who holds them: a touch alone would be one factor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of the passkey")
        self.fields["name"].help_text = _("So that you can tell two apart, for instance “Laptop” or “Blue key”.")
        self.fields["passwordless"].label = _("Sign in with this passkey alone")
        self.fields["passwordless"].help_text = _("It then asks for a fingerprint, a face or a PIN each time.")
        self.fields["passwordless"].initial = True
