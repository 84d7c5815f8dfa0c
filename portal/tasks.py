"""What the worker does for pages."""

from celery import shared_task
from django.utils import timezone

from portal.pages.security import dashboard


@shared_task
def remember_dashboard() -> None:
    dashboard.remember(timezone.now())
