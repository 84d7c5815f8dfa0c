"""The team's texts for questions and rejections: saved and removed, each one entry of the change log."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.models import ReplyText, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal


@transaction.atomic
def save(*, saved: ReplyText | None, purpose: str, name: str, text: Mapping[str, str], by: Actor) -> ReplyText:
    """Save a new text, or `saved` as it is to be. Raises Refusal for a name that another one has."""
    _check_member(by)
    before = _facts(ReplyText.objects.select_for_update(no_key=True).get(pk=saved.pk)) if saved else {}
    row = saved or ReplyText()
    row.purpose, row.name, row.text = purpose, name, {language: words for language, words in text.items() if words}
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Refusal(Code.REPLY_TEXT_EXISTS, name=name) from error
    after = _facts(row)
    changes = {key: (before.get(key), after[key]) for key in after if before.get(key) != after[key]}
    if changes:
        log.record(action=Action.REPLY_TEXT_SAVED, actor=by, subject=row, changes=changes)
    return row


@transaction.atomic
def remove(*, saved: ReplyText, by: Actor) -> None:
    _check_member(by)
    changes = {key: (value, None) for key, value in _facts(saved).items()}
    log.record(action=Action.REPLY_TEXT_REMOVED, actor=by, subject=saved, changes=changes)
    saved.delete()


def _facts(row: ReplyText) -> dict[str, str]:
    return {"name": row.name, "text": "\n".join(f"{language}: {row.text[language]}" for language in sorted(row.text))}


def _check_member(by: Actor) -> None:
    if by.user is None or by.user.role != User.Role.SECURITY:
        raise Refusal(Code.NOT_SECURITY_TEAM)
