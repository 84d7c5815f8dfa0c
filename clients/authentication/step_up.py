"""The step-up: a code mailed to the person's registered address, for an act that needs more than a link.

A code is bound to the session and the act that asked for it, and its mail names the act.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from audit import log
from audit.actions import Action
from clients.access import one_time_codes
from clients.access.guarded_acts import Act
from clients.actors import Actor
from clients.authentication import code_guessing
from clients.mail import outbox
from clients.models import Client, MailedCode, User

process_log = structlog.get_logger(__name__)

PURPOSE = MailedCode.Purpose.STEP_UP


@dataclass(frozen=True)
class Asked:
    """The person, session, act and client of a step-up (no client for one's own passkeys)."""

    user: User
    session: UUID
    act: Act
    client: Client | None = None

    @property
    def binding(self) -> dict[str, object]:
        return {"session": self.session, "act": self.act, "client": self.client}

    def code(self) -> MailedCode | None:
        """Return the newest code with exactly this binding."""
        return self.user.codes.filter(purpose=PURPOSE, **self.binding).order_by("-created_at").first()


@transaction.atomic
def mail_code(*, asked: Asked, again: bool, by: Actor, now: datetime) -> None:
    """Mail a code, unless the last one still works, since two mails would confuse. `again` mails anyway.

    The mail tells the effect of the code, and when, from where and in which browser it was asked for. Raises Refusal
    after too many codes.
    """
    if not again and one_time_codes.tries_left(asked.code(), now):
        return
    user = asked.user
    code = one_time_codes.issue(purpose=PURPOSE, email=user.email, user=user, now=now, **asked.binding)
    facts = {"act": asked.act.value, "at": now.isoformat(), "address": by.address, "browser": by.browser}
    outbox.queue_code(code=code, language=user.language, client=asked.client, facts=facts, now=now)


def confirm(*, asked: Asked, typed: str, by: Actor, now: datetime) -> None:
    """Accept the code, for one use. Raises CodeRefused; wrong attempts stay counted."""
    try:
        code_guessing.spend(asked.code(), typed=typed, by=by, now=now)
    except one_time_codes.CodeRefused:
        note_failed(asked=asked, how="code", by=by)
        raise
    note_passed(asked=asked, by=by)


@transaction.atomic
def note_passed(*, asked: Asked, by: Actor) -> None:
    """Log a step-up, by code or by passkey."""
    log.record(action=Action.STEPUP_PASSED, actor=by, subject=asked.user, note=asked.act.replace("_", " "))


def note_failed(*, asked: Asked, how: str, by: Actor) -> None:
    """Write a line of the process log; the change log gets an entry once no further code is accepted."""
    client = str(asked.client.uid) if asked.client else ""
    process_log.warning("step_up_failed", user=by.id, act=asked.act.value, client=client, how=how)
