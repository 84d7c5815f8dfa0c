"""The change log's pages, for auditors and the Security team."""

from django.urls import path

from portal.views import change_log

urlpatterns = [
    path("", change_log.change_log, name="change_log"),
    path("entries/<int:seq>/", change_log.log_entry, name="log_entry"),
    path("verify/", change_log.verify_log, name="verify_log"),
    path("export/", change_log.log_export, name="log_export"),
]
