"""How staff sign in: a passkey, a password with a TOTP code, or the organisation's OpenID Connect.

allauth does the signing in; these adapters close what Keydesk does not offer (sign-up, password reset by mail) and see
to it that nobody with a staff role gets in with a password alone.
"""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from clients.models import User

SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
STRONG_METHODS = {"mfa", "socialaccount"}


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        raise NotImplementedError(f"every mail goes through clients/outbox.py, {template_prefix} too")

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        methods = {record["method"] for record in get_authentication_records(request, user)}
        if "socialaccount" not in methods and not is_mfa_enabled(user, SECOND_FACTORS):
            messages.error(
                request,
                _("Your account has no second factor yet. Ask a colleague for a new invitation; its link sets it up."),
            )
            return redirect("account_login")
        return super().pre_login(request, user, **kwargs)


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on lets in the staff we invited; it makes no accounts."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if not sociallogin.is_existing or not sociallogin.user.is_staff_member:
            messages.error(request, _("We do not know this account. Ask the Security team for an invitation."))
            raise ImmediateHttpResponse(redirect("account_login"))


class MFAAdapter(DefaultMFAAdapter):
    def get_totp_issuer(self) -> str:
        return settings.SERVICE_NAME

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The relying party is PUBLIC_URL's host, never the request's (WebAuthn section 5.1.2)."""
        return {"id": urlsplit(settings.PUBLIC_URL).hostname or "", "name": settings.SERVICE_NAME}

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """No mail here: the person is looking at the page that says the same."""


def is_strong(request: HttpRequest) -> bool:
    """Did this session begin with a second factor or single sign-on?"""
    records = get_authentication_records(request, request.user)
    return any(record["method"] in STRONG_METHODS for record in records)
