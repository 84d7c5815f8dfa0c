"""Record of what the load was answered, and the promises that it is held to."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise

GOOD = (200, 302)


@dataclass(frozen=True)
class Answer:
    """`status`: 0 where none came in time. Times by time.monotonic()."""

    kind: str
    began_at: float
    ended_at: float
    status: int


@dataclass
class Token:
    """`taken_from`: when the first try to take it away was begun; `taken_at`: when one was answered; 0 for never."""

    text: str
    client: int  # an index of the kept clients, or INVALIDATED
    issued_at: float
    taken_from: float = 0.0
    taken_at: float = 0.0


INVALIDATED = -1  # the client whose tokens the Security team invalidates every second


@dataclass
class Ledger:
    """`assertions`: how many of the requests with the same assertion were answered by a token."""

    answers: list[Answer] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    acts: dict[int, float] = field(default_factory=dict)  # numbers of the portal's answered acts
    assertions: list[int] = field(default_factory=list)
    alive: int = 0  # introspections that called active what had been taken away before they began
    lock: threading.Lock = field(default_factory=threading.Lock)

    def invalidated(self, began_at: float, answered: bool) -> None:
        """Note that all tokens of the client INVALIDATED were taken away, or may have been."""
        now = time.monotonic()
        with self.lock:
            for token in self.tokens:
                if token.client == INVALIDATED and not token.taken_at:
                    token.taken_from = token.taken_from or began_at
                    # A token that was answered while the act ran may have been issued after it.
                    if answered and token.issued_at < began_at:
                        token.taken_at = now

    def gap(self, kind: str, since: float, until: float) -> float:
        """Return the longest time without a good answer of the kind, in seconds."""
        times = [answer.ended_at for answer in list(self.answers) if answer.kind == kind and answer.status in GOOD]
        inside = [since, *sorted(moment for moment in times if since < moment < until), until]
        return max(later - earlier for earlier, later in pairwise(inside))

    def failed(self, since: float, until: float) -> dict[int, int]:
        """Return how many HTTP requests that ended in this time had which status other than a good one."""
        found: dict[int, int] = {}
        for answer in list(self.answers):
            # The second and third request with an assertion must be refused.
            refused = answer.kind == "again" and answer.status == 400
            if since < answer.ended_at <= until and answer.status not in GOOD and not refused:
                found[answer.status] = found.get(answer.status, 0) + 1
        return found
