"""Addresses of the owners of APIs."""

from django.urls import path

from portal.pages.notices import webhooks
from portal.pages.owner import apis, callers, proposals, requests

app_name = "owner"
urlpatterns = [
    path("", apis.apis, name="apis"),
    path("<slug:identifier>/", apis.api, name="api"),
    path("<slug:identifier>/callers/", apis.export_callers, name="export_callers"),
    path("<slug:identifier>/callers/<uuid:uid>/detach/", callers.detach, name="detach"),
    path("<slug:identifier>/write/", callers.write, name="write"),
    path("<slug:identifier>/requests/<uuid:uid>/", requests.request_for_owner, name="request"),
    path("<slug:identifier>/proposals/<uuid:uid>/", proposals.proposal, name="proposal"),
    path("<slug:identifier>/webhooks/add/", webhooks.create_webhook, name="create_webhook"),
    path("<slug:identifier>/webhooks/<uuid:uid>/", webhooks.webhook, name="webhook"),
    path("<slug:identifier>/webhooks/<uuid:uid>/secret/", webhooks.webhook_secret, name="webhook_secret"),
    path("<slug:identifier>/webhooks/<uuid:uid>/remove/", webhooks.remove_webhook, name="remove_webhook"),
    path("<slug:identifier>/deliveries/<uuid:uid>/retry/", webhooks.retry_delivery, name="retry_delivery"),
]
