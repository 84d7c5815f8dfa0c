"""Addresses of the owners of APIs."""

from django.urls import path

from portal.pages.owner import apis, callers, requests

app_name = "owner"
urlpatterns = [
    path("", apis.apis, name="apis"),
    path("<slug:identifier>/", apis.api, name="api"),
    path("<slug:identifier>/callers/", apis.export_callers, name="export_callers"),
    path("<slug:identifier>/callers/<uuid:uid>/detach/", callers.detach, name="detach"),
    path("<slug:identifier>/write/", callers.write, name="write"),
    path("<slug:identifier>/requests/<uuid:uid>/", requests.request_for_owner, name="request"),
]
