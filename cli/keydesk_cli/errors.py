"""Failures and their exit codes.

Failure
 ├ Refused       1  Keydesk said no, or what was checked is not good
 ├ Misused       2  an option, variable or file of the caller
 ├ Unreachable   3  no answer, or one that says to come back later
 ├ Unexpected    4  an answer that Keydesk does not give
 └ Busy          5  another run holds the lock
"""

from __future__ import annotations

from typing import Any, ClassVar

INTERNAL, INTERRUPTED = 70, 130


class Failure(Exception):
    """End of a run. `code` is stable, `facts` are data; neither these nor the message ever hold a secret."""

    status: ClassVar[int]

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code, self.facts = code, facts


class Refused(Failure):
    status = 1


class Misused(Failure):
    status = 2


class Unreachable(Failure):
    status = 3


class Unexpected(Failure):
    status = 4


class Busy(Failure):
    status = 5
