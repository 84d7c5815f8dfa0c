"""How staff sign in. Only the parts of allauth that we offer have an address: no sign-up, no password reset."""

from allauth.account import views as account
from allauth.socialaccount import views as sso
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.urls import include, path, re_path

from portal.pages.account import sessions, sign_in

urlpatterns = [
    path("sign-in/", account.login, name="account_login"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("set-up/", sign_in.staff_setup, name="staff_setup"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/end/", sessions.end_sessions, name="end_sessions"),
    path("sessions/<uuid:uid>/end/", sessions.end_session, name="end_session"),
    path("session/", sessions.session_ends, name="session_ends"),
    path("language/", sign_in.set_language, name="set_language"),
    path("2fa/webauthn/keys/<int:pk>/remove/", sign_in.RemovePasskeyView.as_view(), name="mfa_remove_webauthn"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sso/cancelled/", sso.login_cancelled, name="socialaccount_login_cancelled"),
    path("sso/error/", sso.login_error, name="socialaccount_login_error"),
    path("sso/unknown/", sso.signup, name="socialaccount_signup"),
    # One provider, by the name that the settings give it: no other text reaches allauth.
    re_path(r"^sso/oidc/(?P<provider_id>sso)/login/$", oidc.login, name="openid_connect_login"),
    re_path(r"^sso/oidc/(?P<provider_id>sso)/login/callback/$", oidc.callback, name="openid_connect_callback"),
]
