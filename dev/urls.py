"""The addresses of the demonstration: the product's, and the gallery of components with made-up data."""

from django.urls import path

from dev.gallery import gallery
from portal import urls

handler500 = urls.handler500
urlpatterns = [*urls.urlpatterns, path("gallery/", gallery, name="gallery")]
