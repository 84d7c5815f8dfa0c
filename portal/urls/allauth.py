"""Addresses of staff sign-in, by allauth's names; without those we do not offer: sign-up and password reset."""

from allauth.account import views as account
from allauth.socialaccount import views as sso
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.urls import include, path, re_path

from portal.pages.account import contact_accounts, sign_in
from portal.urls.account import CONTACT_PROVIDERS

urlpatterns = [
    path("sign-in/", sign_in.SignInView.as_view(), name="account_login"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("2fa/webauthn/keys/<int:pk>/remove/", sign_in.RemovePasskeyView.as_view(), name="mfa_remove_webauthn"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sso/cancelled/", sso.login_cancelled, name="socialaccount_login_cancelled"),
    path("sso/error/", sso.login_error, name="socialaccount_login_error"),
    path("sso/unknown/", sso.signup, name="socialaccount_signup"),
    re_path(f"^with/{CONTACT_PROVIDERS}/callback/$", contact_accounts.come_back, name="openid_connect_callback"),
    # A single provider of staff, by its name in the settings, so that no other text reaches allauth.
    re_path(r"^sso/oidc/(?P<provider_id>sso)/login/$", oidc.login, name="openid_connect_login"),
    re_path(r"^sso/oidc/(?P<provider_id>sso)/login/callback/$", oidc.callback, name="openid_connect_callback"),
]
