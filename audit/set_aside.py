"""Set aside a checkpoint that no key of this log signed.

Anybody who may insert rows can insert a forged checkpoint. It is never trusted, but it stops the signing until it has
been examined: an alarm, not a fault. Rows of the change log are never removed, so an entry says that this checkpoint no
longer counts.
"""

from enum import StrEnum

from django.db import transaction

from audit import checkpoints, log
from audit.actions import Action
from audit.models import Checkpoint, Entry
from foundation.refusals import Refusal


class LogCode(StrEnum):
    """The closed vocabulary of refusals; portal/explanations/acts.py has the words for each code."""

    CHECKPOINT_SIGNED = "checkpoint_signed"
    NO_LOG_KEY = "no_log_key"
    NO_SUCH_CHECKPOINT = "no_such_checkpoint"
    SET_ASIDE_WITHOUT_REASON = "set_aside_without_reason"


@transaction.atomic
def set_aside(*, size: int, reason: str, by: log.Actor) -> Entry:
    """Record that the checkpoint of `size` entries does not count. Raises Refusal for none, and for a good one."""
    checkpoint = Checkpoint.objects.filter(size=size).first()
    if checkpoint is None:
        raise Refusal(LogCode.NO_SUCH_CHECKPOINT, size=size)
    if not checkpoints.verifier_keys():
        raise Refusal(LogCode.NO_LOG_KEY)
    if checkpoints.is_signed(checkpoint):
        raise Refusal(LogCode.CHECKPOINT_SIGNED, size=size)
    if not reason.strip():
        raise Refusal(LogCode.SET_ASIDE_WITHOUT_REASON)
    return log.record(
        action=Action.CHECKPOINT_SET_ASIDE, actor=by, subject=checkpoint, changes={"entries": (size, None)}, note=reason
    )
