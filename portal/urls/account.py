"""Addresses of a person's own sign-in: second factor, sessions, language."""

from django.urls import path

from portal.pages.account import sessions, sign_in

app_name = "account"
urlpatterns = [
    path("set-up/", sign_in.staff_setup, name="setup"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/end/", sessions.end_sessions, name="end_sessions"),
    path("sessions/<uuid:uid>/end/", sessions.end_session, name="end_session"),
    path("session/", sessions.session_ends, name="session_ends"),
    path("language/", sign_in.set_language, name="set_language"),
]
