"""The step-up: a code mailed to the person's registered address, before an act that needs more than a link."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import log
from audit.actions import Action
from clients import code_guessing, codes, outbox
from clients.actors import Actor
from clients.models import MailedCode, User

PURPOSE = MailedCode.Purpose.STEP_UP


@transaction.atomic
def mail_code(*, user: User, again: bool, now: datetime) -> None:
    """Mails a code, unless the one of a moment ago still works: two mails would only confuse. `again` mails anyway.

    Raises codes.TooManyCodes.
    """
    if not again and codes.usable(now).filter(user=user, purpose=PURPOSE).exists():
        return
    code = codes.issue(purpose=PURPOSE, email=user.email, user=user, now=now)
    outbox.queue_code(code=code, language=user.language, now=now)


def confirm(*, user: User, typed: str, by: Actor, now: datetime) -> None:
    """Raises codes.CodeRefused; each wrong attempt stays counted."""
    code = user.codes.filter(purpose=PURPOSE).order_by("-created_at").first()
    code_guessing.spend(code, typed=typed, by=by, now=now)
    note_passed(user=user, by=by)


@transaction.atomic
def note_passed(*, user: User, by: Actor) -> None:
    """Also for who used a passkey instead of the code."""
    log.record(action=Action.STEPUP_PASSED, actor=by, subject=user)
