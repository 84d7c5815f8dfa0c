"""Celery tasks. They take ids only, load the rows, and call one function."""

import uuid

from celery import shared_task
from django.utils import timezone

from clients import retention
from clients.mail import outbox
from clients.models import Session


@shared_task
def send_mail(mail_id: str) -> None:
    outbox.deliver(mail_id=uuid.UUID(mail_id), now=timezone.now())


@shared_task
def send_pending_mail() -> None:
    """Send mails without a queued task (the broker was down, the worker died) and those due for another try."""
    outbox.sweep(clock=timezone.now)


@shared_task
def delete_ended_sessions() -> None:
    """Delete ended sessions. Django only expires them, so rows of all visitors would accumulate."""
    Session.objects.over(timezone.now()).delete()


@shared_task
def delete_expired() -> None:
    retention.delete_expired(now=timezone.now())
