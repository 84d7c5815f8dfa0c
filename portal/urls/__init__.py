"""Every address a browser can open. The OAuth addresses are in tokens/application.py."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

handler500 = "portal.views.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("portal.urls.public")),
    path("", include("portal.urls.contact")),
    path("security/", include("portal.urls.security")),
    path("log/", include("portal.urls.auditor")),
    path("docs/", include("portal.urls.docs")),
    path("accounts/", include("portal.urls.accounts")),
]

if settings.DEBUG:
    from portal.views.gallery import gallery  # made-up data: not even imported in production

    urlpatterns.append(path("gallery/", gallery, name="gallery"))
