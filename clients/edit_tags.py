"""Edit tags for optimistic locking: a hash of the state that a form was made from.

The form carries the tag, and the act compares it, under its lock, with the present state. A decision is thus never made
on a state that was not seen, and the second of two concurrent changes does not undo the first.
"""

import hashlib
import json

from clients.refusal_codes import Code
from foundation.refusals import Refusal


class Stale(Refusal):
    """The state has changed since the form was made: the page shows the present one, with the values typed."""

    def __init__(self, code: Code = Code.CHANGED_MEANWHILE) -> None:
        super().__init__(code)


def edit_tag(*content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check(seen: str | None, now: str) -> None:
    """Compare a tag with the present one. Raises Stale. `seen` None: a command, which acts on any state."""
    if seen not in (None, now):
        raise Stale
