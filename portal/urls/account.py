"""Addresses of a person's own sign-in: second factor, sessions, language."""

from django.urls import path, re_path

from portal.pages.account import contact_accounts, search, sessions, sign_in

CONTACT_PROVIDERS = "(?P<provider_id>contacts[2-9]?)"  # by their names in the settings

app_name = "account"
urlpatterns = [
    path("set-up/", sign_in.staff_setup, name="setup"),
    path("continue/", contact_accounts.continue_with_account, name="continue"),
    re_path(f"^with/{CONTACT_PROVIDERS}/$", contact_accounts.leave, name="with"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/end/", sessions.end_sessions, name="end_sessions"),
    path("sessions/<uuid:uid>/end/", sessions.end_session, name="end_session"),
    path("session/", sessions.session_ends, name="session_ends"),
    path("search/", search.search, name="search"),
    path("language/", sign_in.set_language, name="set_language"),
]
