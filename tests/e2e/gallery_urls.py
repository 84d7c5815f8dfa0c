"""The site with the gallery, which only DEBUG has. A module of its own: Django imports it once DEBUG is off."""

from django.urls import path

from portal import urls
from portal.views.gallery import gallery

urlpatterns = [*urls.urlpatterns, path("gallery/", gallery)]
