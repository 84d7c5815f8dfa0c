"""Addresses of the change log's pages, for auditors and the Security team."""

from django.urls import path

from portal.pages.auditor import (
    change_log,
    client_at,
    decided_requests,
    packages,
    recertification,
    reports,
    staff,
    verify_log,
)

app_name = "auditor"
urlpatterns = [
    path("", change_log.change_log, name="change_log"),
    path("entries/<int:seq>/", change_log.log_entry, name="log_entry"),
    path("clients/<uuid:uid>/", client_at.client_past, name="client_at"),
    path("requests/", decided_requests.decided_requests, name="decided_requests"),
    path("requests/<uuid:uid>/", decided_requests.decided_request, name="decided_request"),
    path("verify/", verify_log.verify_log, name="verify_log"),
    path("verify/<uuid:uid>/", verify_log.verification, name="verification"),
    path("checkpoints/", verify_log.signed_checkpoints, name="signed_checkpoints"),
    path("export/", change_log.log_export, name="log_export"),
    path("reports/", reports.reports, name="reports"),
    path("reports/export/", reports.report_export, name="report_export"),
    path("recertification/", recertification.campaign, name="recertification"),
    path("recertification/export/", recertification.export_campaign, name="export_recertification"),
    path("staff/", staff.staff, name="staff"),
    path("packages/", packages.make_package, name="make_package"),
    path("packages/<int:seq>/", packages.package, name="package"),
    path("packages/<int:seq>/download/", packages.download_package, name="download_package"),
]
