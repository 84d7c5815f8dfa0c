"""Addresses of the public documentation: /docs/, one for each page, and one for each sample as a file."""

from django.urls import path

from portal.pages.docs import docs

app_name = "docs"
urlpatterns = [
    path("", docs.index, name="index"),
    path("<slug:slug>/", docs.page, name="page"),
    path("samples/<slug:topic>/<str:filename>", docs.sample, name="sample"),
]
