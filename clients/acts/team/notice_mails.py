"""When a member of the Security team is mailed what waits or failed: the member's own choice."""

from __future__ import annotations

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.models import User
from clients.refusal_codes import Code
from foundation.refusals import Refusal


@transaction.atomic
def choose(*, when: User.NoticeMails, by: Actor) -> None:
    """Keep the choice of this person. Raises Refusal for others than the Security team."""
    if by.user is None or by.user.role != User.Role.SECURITY:
        raise Refusal(Code.NOT_SECURITY_TEAM)
    user = User.objects.select_for_update(no_key=True).get(pk=by.user.pk)
    before, user.notice_mails = user.notice_mails, when
    if before == when:
        return
    user.save(update_fields=["notice_mails"])
    log.record(action=Action.NOTICE_MAILS_CHOSEN, actor=by, subject=user, changes={"notice_mails": (before, str(when))})
