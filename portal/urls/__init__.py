"""Every address that a browser can open. The OAuth addresses are in tokens/serving/application.py."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from portal.api import application

handler500 = "portal.web.error_pages.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("portal.urls.public")),
    path("", include("portal.urls.contact")),
    path("security/", include("portal.urls.security")),
    path("log/", include("portal.urls.auditor")),
    path("owner/", include("portal.urls.owner")),
    path("docs/", include("portal.urls.docs")),
    path("accounts/", include("portal.urls.account")),
    path("accounts/", include("portal.urls.allauth")),
    path(settings.API_PATH.lstrip("/"), include(application.urls(), namespace="api")),
]
