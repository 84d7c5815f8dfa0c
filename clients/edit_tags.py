"""What somebody saw before they acted, in short.

It travels in their form, and the act compares it, under its lock, with what is there then: nobody decides on what they
did not see, and of two people at once the second does not take back what the first did.
"""

import hashlib
import json

from clients.refusal_codes import Code
from foundation.refusals import Refusal


class Stale(Refusal):
    """Refusal of a change to what is not as the person saw it: the page shows it as it is, with what was typed."""

    def __init__(self, code: Code = Code.CHANGED_MEANWHILE) -> None:
        super().__init__(code)


def fingerprint(*content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check(seen: str | None, now: str) -> None:
    """Raises Stale. None: a command, which acts on whatever is there."""
    if seen not in (None, now):
        raise Stale
