"""Verification of the whole change log in the background: a million entries take too long for a page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from audit import log
from audit.models import LogHead, Verification
from foundation import advisory_locks
from foundation.dispatch import wake

JOIN_WITHIN = timedelta(minutes=10)  # of the start of an unfinished run: show that one instead of starting another
GIVE_UP_AFTER = timedelta(days=1)


def start(*, by: log.Actor, now: datetime) -> Verification:
    """Start a verification run, or return the one under way. If the broker is down, beat has a worker find it."""
    running = Verification.objects.filter(finished_at=None, asked_at__gt=now - JOIN_WITHIN).first()
    if running is not None:
        return running
    size = LogHead.objects.values_list("size", flat=True).get()
    verification = Verification.objects.create(asked_at=now, asked_by=by.label, total=size)
    wake("audit.tasks.verify_log", str(verification.pk))
    return verification


def carry_out(verification_id: UUID) -> None:
    """Carry out a run in a worker; do nothing if it is finished or another worker has it."""
    row = Verification.objects.filter(pk=verification_id, finished_at=None)
    with advisory_locks.try_lock(f"verification:{verification_id}") as mine:
        if mine and row.update(started_at=timezone.now(), checked=0):
            report = log.verify(progress=lambda checked: row.update(checked=checked))
            row.update(checked=report.entries, finished_at=timezone.now(), report=asdict(report))


def carry_out_left_over(*, now: datetime) -> None:
    """Restart runs without a worker: the task was lost with the broker, or the worker died."""
    left_over = Verification.objects.filter(finished_at=None, asked_at__gt=now - GIVE_UP_AFTER)
    for verification_id in left_over.values_list("pk", flat=True):
        carry_out(verification_id)
