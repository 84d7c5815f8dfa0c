"""Checking the whole log in the background: a million entries take longer than somebody waits for a page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from celery import current_app
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from audit import log
from audit.models import LogHead, Verification

SAME = timedelta(minutes=10)  # whoever asks while one asked for so recently still runs looks at that one


class UnableToStart(Exception):
    """No worker can be told; the message says so."""


def start(*, by: log.Actor, now: datetime) -> Verification:
    """Ask for a verification, or join the one that runs. Raises UnableToStart."""
    running = Verification.objects.filter(finished_at=None, asked_at__gt=now - SAME).first()
    if running is not None:
        return running
    size = LogHead.objects.values_list("size", flat=True).get()
    verification = Verification.objects.create(asked_at=now, asked_by=by.label, total=size)
    try:
        current_app.send_task("audit.tasks.verify_log", [str(verification.pk)])
    except OperationalError:
        verification.delete()
        raise UnableToStart(_("The verification cannot start now. Try again in a minute.")) from None
    return verification


def carry_out(verification_id: UUID) -> None:
    """The worker's part. Done again from the start when a worker died on the way; a finished one stays as it is."""
    row = Verification.objects.filter(pk=verification_id, finished_at=None)
    if not row.update(started_at=timezone.now(), checked=0):
        return
    report = log.verify(progress=lambda checked: row.update(checked=checked))
    row.update(checked=report.entries, finished_at=timezone.now(), report=asdict(report))
