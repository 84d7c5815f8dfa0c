"""Sign-in of staff: a passkey, a password with a TOTP code, or the organisation's OpenID Connect.

allauth signs in; these adapters close what Keydesk does not offer (sign-up, password reset by mail) and refuse staff
who have a password alone.
"""

from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import encryption
from clients.access.session_store import METHOD
from clients.actors import Actor
from clients.acts.people import staff
from clients.authentication import staff_sign_ins
from clients.models import Session, User
from foundation import email_addresses
from portal.config import oidc_apps
from portal.sign_in import attempts, contact_accounts, known_devices
from portal.sign_in.allauth_internals import get_authentication_records
from portal.ui import svg
from portal.web.http_request import Request, prepared
from portal.web.next_page import own_page

# The first page of each role after signing in.
FIRST_PAGE = {
    User.Role.SECURITY: "security:dashboard",
    User.Role.AUDITOR: "auditor:change_log",
    User.Role.API_OWNER: "owner:apis",
    User.Role.CONTACT: "contact:clients",
}
SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
STRONG_METHODS = {"mfa", "socialaccount"}
METHODS = {
    "totp": "authenticator app", "recovery_codes": "recovery code", "webauthn": "passkey",
    "socialaccount": "single sign-on",
}  # fmt: skip


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": gettext_lazy("This account is closed. Ask a colleague to invite you again."),
        "email_password_mismatch": gettext_lazy("This e-mail address and this password do not belong together."),
        "incorrect_password": gettext_lazy("This is not your password."),
        "too_many_login_attempts": gettext_lazy("Too many attempts. Try again in five minutes."),
        "too_many_for_account": gettext_lazy(
            "Too many attempts for this address. Try again in an hour, or in a browser in which you signed in before."
        ),
    }

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check the password; allauth asks for the second factor afterwards."""
        email = credentials.get("email", "")
        user = User.objects.with_address(email).first()
        attempt = attempts.begin(
            prepared(request), factor="password", account=email_addresses.mailbox(email), user=user
        )
        found = cast(User | None, super().authenticate(request, **credentials))
        attempt.succeeded() if found else attempt.failed()
        return found

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url(FIRST_PAGE[User.Role(prepared(request).user.role)])

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Return whether a sign-in may redirect to this URL."""
        return bool(url and own_page(url))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        raise NotImplementedError(f"every mail goes through clients/mail/outbox.py, {template_prefix} too")

    def send_notification_mail(self, template_prefix: str, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        """Record in the change log what allauth would mail ("mfa/email/webauthn_added")."""
        what = template_prefix.rpartition("/")[2].replace("_", " ")
        user = cast(User, user)
        by = Actor(user=user, address=self.request.address, request_id=self.request.id)
        staff.note_sign_in_changed(user=user, what=what, by=by)

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        user = cast(User, user)
        methods = {record["method"] for record in get_authentication_records(request, user)}
        if "socialaccount" not in methods and not get_mfa_adapter().is_mfa_enabled(user, SECOND_FACTORS):
            messages.error(
                request,
                _("Your account has no second factor yet. Ask a colleague for a new invitation; its link sets it up."),
            )
            attempts.log.warning("sign_in_refused", user=user.audit_id, reason="no second factor")
            return redirect("account_login")
        return super().pre_login(request, user, **kwargs)

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        attempts.log.warning("sign_in_refused", user=cast(User, user).audit_id, reason="closed account")
        return super().respond_user_inactive(request, user)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        """Record a completed sign-in, by password, link or passkey."""
        request, user = prepared(request), cast(User, user)
        response = super().post_login(request, user, **kwargs)
        by = attempts.actor_of(request, user)
        if user.is_staff_member:
            known = known_devices.is_known(request, user)
            method = _method(request, user)
            staff_sign_ins.note_signed_in(user=user, method=method, known_device=known, by=by, now=request.now)
            known_devices.remember(request, response, user)
        else:
            staff_sign_ins.note_passkey_used(user=user, by=by)
        request.session[METHOD] = _session_method(request, user).value
        return response


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on for invited staff; it makes no accounts. Contacts' providers go to contact_accounts.py."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return resolve_url("mfa_index")

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if oidc_apps.is_of_contacts(sociallogin.account.provider):
            raise contact_accounts.arrival(sociallogin)
        if not sociallogin.is_existing or not sociallogin.user.is_staff_member:
            messages.error(request, _("We do not know this account. Ask the Security team for an invitation."))
            attempts.log.warning("sign_in_refused", user="", reason="unknown to single sign-on")
            raise ImmediateHttpResponse(redirect("account_login"))

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, *_: Any, **_about: Any
    ) -> None:
        if oidc_apps.is_of_contacts(provider.sub_id):
            raise contact_accounts.failed(error)
        attempts.log.warning("sign_in_failed", factor="single sign-on", user="", error=error)


class MFAAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This code is not right. Type the one that the app shows now."),
        "rate_limited": gettext_lazy("Too many attempts. Try again in five minutes."),
    }

    def encrypt(self, text: str) -> str:
        """Encrypt a TOTP app's secret or the seed of recovery codes: the database alone must not open an account."""
        return encryption.encrypt_second_factor(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt_second_factor(encrypted_text)

    def get_totp_issuer(self) -> str:
        return str(settings.SERVICE_NAME)

    def build_totp_svg(self, url: str) -> SafeString:
        """Return the QR code as inline SVG, because the content security policy allows no data: URI."""
        return svg.qr_code(url, label=_("QR code for the authenticator app"))

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Return whether this factor may be deleted: not the last one of a staff member."""
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=SECOND_FACTORS)
        return not authenticator.user.is_staff_member or others.exclude(pk=authenticator.pk).exists()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the relying party: PUBLIC_URL's host, never the HTTP request's (WebAuthn section 5.1.2)."""
        return {"id": urlsplit(settings.PUBLIC_URL).hostname or "", "name": settings.SERVICE_NAME}


def _method(request: Request, user: User) -> str:
    """Return the sign-in method of a member of staff, for the change log."""
    used = []
    for record in get_authentication_records(request, user):
        used.append(METHODS.get(record.get("type") or record["method"], record["method"]))
    return " and ".join(dict.fromkeys(used))


def _session_method(request: Request, user: User) -> Session.Method:
    """Return how the session of somebody who signed in through allauth began."""
    records = get_authentication_records(request, user)
    if any(record["method"] == "socialaccount" for record in records):
        return Session.Method.SINGLE_SIGN_ON
    is_passkey = any(record.get("passwordless") for record in records)
    return Session.Method.PASSKEY if is_passkey else Session.Method.PASSWORD


def is_strong(request: Request) -> bool:
    """Return whether this session began with a second factor or single sign-on."""
    records = get_authentication_records(request, request.user)
    return any(record["method"] in STRONG_METHODS for record in records)


def may_only_set_up(request: Request) -> bool:
    """Return whether a staff session began with a mailed link: it may only set up a first second factor."""
    return request.user.is_authenticated and request.user.is_staff_member and not is_strong(request)


def had_second_factor(request: Request) -> bool:
    """Return whether the person had a second factor or single sign-on before; a link must not bypass either."""
    began_at = datetime.fromtimestamp(request.session["started_at"], UTC)
    factors = Authenticator.objects.filter(user=request.user, created_at__lt=began_at)
    return factors.exists() or SocialAccount.objects.filter(user=request.user, date_joined__lt=began_at).exists()
