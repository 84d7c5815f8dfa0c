"""Check of a typed code; the owner of the mailbox is told when guessing has ended its codes for a day."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from audit import log
from audit.actions import Action
from clients.access import one_time_codes
from clients.actors import Actor
from clients.mail import outbox
from clients.models import Mail, MailedCode, User

process_log = structlog.get_logger(__name__)


def spend(code: MailedCode | None, *, typed: str, by: Actor, now: datetime) -> None:
    """Accept the code, for one use. Raises CodeRefused. Call outside a transaction: attempts must stay counted."""
    try:
        one_time_codes.spend(code, typed=typed, now=now)
    except one_time_codes.CodeRefused as refused:
        process_log.warning(
            "code_refused",
            user=by.id,
            purpose=code.purpose if code else "",  # without a code: none was mailed, or it was deleted
            tries_left=refused.tries_left,
            ended_for_today=refused.ended,
        )
        if refused.ended and code is not None:
            _tell_owner(code, by, now)
        raise


@transaction.atomic
def _tell_owner(code: MailedCode, by: Actor, now: datetime) -> None:
    """Send one mail and make one entry, at most once a day. The mail quotes nothing that was typed."""
    one_time_codes.lock(code.purpose, code.mailbox)
    guessed = one_time_codes.of_the_day(code.purpose, code.mailbox, now)
    if guessed.exclude(owner_told_at=None).exists():
        return
    MailedCode.objects.filter(pk=code.pk).update(owner_told_at=now)
    began_at = guessed.filter(attempts__gt=0).earliest("created_at").created_at
    owner = code.user or User.objects.with_address(code.email).first()
    facts = {
        "purpose": code.purpose,
        "failures": one_time_codes.FAILURES_PER_DAY,
        "began_at": began_at.isoformat(),
        "until": (began_at + one_time_codes.DAY).isoformat(),
    }
    request = code.registration
    language = owner.language if owner else request.language if request else ""
    to = owner.email if owner else code.email
    outbox.queue(kind=Mail.Kind.CODES_ENDED, to=to, user=owner, language=language, facts=facts, now=now)
    subject = owner or (log.StaticSubject(request.audit_id, request.number) if request else None)
    if subject is not None:
        log.record(action=Action.CODE_LOCKED, actor=by, subject=subject)
