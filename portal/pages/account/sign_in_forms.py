"""The forms of staff sign-in: allauth's, in our words and with the attributes of our field component."""

from typing import Any

from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from portal.forms.fields import email_field
from portal.forms.passkeys import NewCredential, passkey_name_field
from portal.sign_in import attempts

# No `inputmode`, because the field also takes recovery codes, which have letters.
CODE_INPUT = {"autocomplete": "one-time-code", "spellcheck": "false"}
MAX_CODE_LENGTH = 16
MAX_PASSWORD_LENGTH = 1024  # longer ones are refused, because hashing reads all of it


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = email_field(_("E-mail address"), autocomplete="username")
        self.fields["password"] = password_field(self.fields["password"].label, autocomplete="current-password")

    def clean_login(self) -> str:
        return super().clean_login().lower()

    def forget(self) -> None:
        """Leave a login without an @ out of the page that shows the form again: it may be the password."""
        if "@" not in self.data.get("login", ""):
            self.data = {**self.data, "login": ""}


class PasswordAgainForm(ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = password_field(self.fields["password"].label, autocomplete="current-password")


def password_field(label: Any, help_text: Any = "", *, autocomplete: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


def _plain_code(form: forms.Form, help_text: Any) -> None:
    form.fields["code"] = forms.CharField(
        label=_("Code"), help_text=help_text, max_length=MAX_CODE_LENGTH, widget=forms.TextInput(attrs=CODE_INPUT)
    )


class UsedCode(BaseAuthenticateForm):
    """Mix-in for allauth's forms with a code, whose failures count as attempts to sign in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_code(self, _("The six digits of your authenticator app, or one of your recovery codes."))

    def clean_code(self) -> str:
        with attempts.judged("code", self.user):
            return super().clean_code()


class CodeForm(UsedCode, AuthenticateForm):
    """Sign-in with a code as the second factor."""


class CodeAgainForm(UsedCode, ReauthenticateByCodeForm):
    """Confirmation with a code before a change of the ways to sign in."""


class FirstCodeForm(ActivateTOTPForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain_code(self, _("The six digits that the app shows now."))


class AddPasskeyForm(NewCredential, AddWebAuthnForm):
    """Registration of a passkey that verifies its holder: a touch alone would be one factor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = passkey_name_field()
        self.fields["passwordless"].label = _("Sign in with this passkey alone")
        self.fields["passwordless"].help_text = _("It then asks for a fingerprint, a face or a PIN each time.")
        self.fields["passwordless"].initial = True


class RenamePasskeyForm(EditWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = passkey_name_field()
        self.fields["name"].required = True
