"""Addresses open to everybody: the front page, the request form, and the sign-in by mail."""

from django.urls import path, re_path

from portal.pages.account import calendars, links
from portal.pages.public import leaked, public, why
from portal.pages.requests import requests

app_name = "public"
urlpatterns = [
    path("", public.landing, name="landing"),
    path("accessibility/", public.accessibility, name="accessibility"),
    path("leaked/", leaked.leaked, name="leaked"),
    path("privacy/", public.privacy, name="privacy"),
    path("request/", requests.request_client, name="request_client"),
    path("request/<uuid:uid>/confirm/", requests.confirm_request, name="confirm_request"),
    path("link/", links.ask_link, name="ask_link"),
    path("link/sent/", links.link_sent, name="link_sent"),
    path("calendar/<str:token>.ics", calendars.calendar_feed, name="calendar_feed"),
    path("open/<str:token>/", links.open_link, name="open_link"),
    re_path(r"^why/(?P<number>[A-Za-z0-9._-]{1,64})/?\Z", why.why, name="why"),
]
