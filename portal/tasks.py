"""Celery tasks for pages."""

from celery import shared_task
from django.utils import timezone

from portal.search import client_figures


@shared_task
def remember_dashboard() -> None:
    client_figures.refresh(timezone.now())
