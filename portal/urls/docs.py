"""The documentation, open to everybody: /docs/, one address a page, and every sample as a file."""

from django.urls import path

from portal.pages.docs import docs

urlpatterns = [
    path("", docs.index, name="docs"),
    path("<slug:slug>/", docs.page, name="docs_page"),
    path("samples/<slug:topic>/<str:filename>", docs.sample, name="docs_sample"),
]
