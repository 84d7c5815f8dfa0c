"""Notices to the Security team: written by acts, and by looks at what no act causes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from audit.models import Verification
from clients.models import Client, Notice, Registration, User
from clients.team import review_target

TARGET_NEARLY_USED = 0.8  # of the working time that the target allows
LOOK_BACK = timedelta(days=2)  # at verifications that ended


def note(
    kind: Notice.Kind, subject: str, *, about: Mapping[str, object], once: object, now: datetime, by: User | None = None
) -> None:
    """Write a notice, as part of an act. `once`: the same is noted a single time. `by`: is not mailed about it."""
    ids = {name: str(value) for name, value in about.items()}
    notice = Notice(kind=kind, key=f"{kind} {once}", at=now, subject=subject, about=ids, by=by)
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


def note_request(kind: Notice.Kind, registration: Registration, *, now: datetime, by: User | None = None) -> None:
    """Write a notice about a request, once each time that it is sent in."""
    note(
        kind, registration.audit_label, about={"request": registration.uid, "number": registration.number},
        once=f"{registration.uid} {registration.submitted_at}", now=now, by=by,
    )  # fmt: skip


def note_client(kind: Notice.Kind, client: Client, *, now: datetime) -> None:
    note(kind, client.audit_label, about={"client": client.uid}, once=f"{client.uid} {now}", now=now)


def look(*, now: datetime) -> None:
    """Write notices about what time or the worker brings: requests near their target, a change log with a problem."""
    for registration in Registration.objects.awaiting_review():
        submitted_at = registration.submitted_at
        if submitted_at and review_target.part_used(submitted_at, now) >= TARGET_NEARLY_USED:
            note_request(Notice.Kind.TARGET_NEAR, registration, now=now)
    for run in Verification.objects.filter(finished_at__gt=now - LOOK_BACK):
        if run.result and not run.result.ok:
            note(Notice.Kind.VERIFICATION_FAILED, str(run), about={"verification": run.pk}, once=run.pk, now=now)
