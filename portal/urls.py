"""Every address a browser can open. The OAuth addresses are in tokens/application.py."""

from django.urls import path

urlpatterns: list[path] = []
