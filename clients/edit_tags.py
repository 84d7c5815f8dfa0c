"""What somebody saw before they acted, in short.

It travels in their form, and the act compares it, under its lock, with what is there then: nobody decides on what they
did not see, and of two people at once the second does not take back what the first did.
"""

import hashlib
import json

from django.utils.translation import gettext_lazy as _

CHANGED = _("Somebody changed this while you had it open, so nothing was saved. Look at it as it is now.")


class Stale(Exception):
    """It is not what the person saw any more."""


def fingerprint(*content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check(seen: str | None, now: str) -> None:
    """Raises Stale. None: a command, which acts on whatever is there."""
    if seen not in (None, now):
        raise Stale(CHANGED)
