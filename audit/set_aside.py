"""Set aside a checkpoint that no key of this log signed.

Anybody who may insert rows can insert a forged checkpoint. It is never trusted, but it stops the signing until it has
been examined: an alarm, not a fault. Rows of the change log are never removed, so an entry says that this checkpoint no
longer counts.
"""

from django.db import transaction

from audit import checkpoints, log
from audit.actions import Action
from audit.models import Checkpoint, Entry


class UnableToSetAside(Exception):
    """No such checkpoint, or it is a good one."""


@transaction.atomic
def set_aside(*, size: int, reason: str, by: log.Actor) -> Entry:
    """Record that the checkpoint of `size` entries does not count. Raises UnableToSetAside."""
    checkpoint = Checkpoint.objects.filter(size=size).first()
    if checkpoint is None:
        raise UnableToSetAside(f"There is no checkpoint of {size} entries.")
    if not checkpoints.verifier_keys():
        raise UnableToSetAside("No key of this log is set here, so nothing tells a good checkpoint from a bad one.")
    if checkpoints.is_signed(checkpoint):
        raise UnableToSetAside(f"The checkpoint of {size} entries was signed by a key of this log: it stands.")
    if not reason.strip():
        raise UnableToSetAside("Say why, for those who read the change log later.")
    return log.record(
        action=Action.CHECKPOINT_SET_ASIDE, actor=by, subject=checkpoint, changes={"entries": (size, None)}, note=reason
    )
