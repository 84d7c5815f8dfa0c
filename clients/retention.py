"""Data retention: delete unconfirmed requests, expired links and codes, old mail and more.

templates/public/privacy.html states the periods.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from clients.models import KeptAnswer, Mail, MailedCode, ManagementLink, Notice, Proposal, Registration, UserNetwork

UNCONFIRMED_KEPT = timedelta(days=7)
ENDED_KEPT = timedelta(days=30)
MAIL_KEPT = timedelta(days=90)
PROPOSAL_KEPT = timedelta(days=90)  # after its end; the change log keeps proposer and confirmer
NETWORK_KEPT = timedelta(days=180)  # after the last act from it
BATCH = 250  # rows per transaction


def delete_expired(*, now: datetime) -> None:
    """Delete unconfirmed requests, ended links and codes with their mails, and what is no longer of use.

    Links of mails that the Security team sees as undeliverable are kept as long as the mails.
    """
    unconfirmed = Registration.objects.filter(status=Registration.Status.UNCONFIRMED)
    code_that_works = MailedCode.objects.filter(registration__isnull=False, expires_at__gt=now)
    _delete(
        unconfirmed.filter(created_at__lt=now - UNCONFIRMED_KEPT).exclude(pk__in=code_that_works.values("registration"))
    )
    _delete(Mail.objects.exclude(state=Mail.State.PENDING).filter(created_at__lt=now - MAIL_KEPT))
    _delete(MailedCode.objects.filter(expires_at__lt=now - ENDED_KEPT))
    _delete(Proposal.objects.filter(void_at__lt=now - PROPOSAL_KEPT))
    _delete(Notice.objects.filter(at__lt=now - MAIL_KEPT))
    _delete(KeptAnswer.objects.over(now))
    _delete(UserNetwork.objects.filter(last_seen_at__lt=now - NETWORK_KEPT))
    shown = Mail.objects.undeliverable().filter(link__isnull=False)
    _delete(ManagementLink.objects.filter(expires_at__lt=now - ENDED_KEPT).exclude(pk__in=shown.values("link")))


def _delete(rows: QuerySet[Any]) -> None:
    """Delete in batches. Rows are locked first, so that a concurrent change (a confirmed request) excludes its row."""
    while True:
        with transaction.atomic():
            batch = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
            rows.model._default_manager.filter(pk__in=batch).delete()
        if len(batch) < BATCH:
            return
