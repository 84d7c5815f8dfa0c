"""A trial: a fault under load, and what it cost and broke."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from dev.ha.faults import Fault
from dev.ha.ledger import GOOD, Ledger, Token
from dev.ha.load import OAUTH, Caller, Load, basic
from dev.ha.machines.cluster import Cluster
from dev.ha.machines.keydesk import Keydesk
from dev.ha.machines.mailbox import Mailbox
from dev.servers.processes import UnableToStart

KINDS = ("token", "introspect", "revoke", "page")
CALM_S = 3.0  # seconds of good answers only, before a fault and after it
SERVED_S = 5.0  # of issuing, after which a fault may be mended
MAX_RECOVERY_S = 120.0
MAX_MAIL_S = 60.0  # beat's sweep comes every ten seconds


@dataclass
class Result:
    """Outcome of a trial. Times in seconds; `goal`: as in dev/ha/faults.py."""

    name: str
    title: str
    goal: float | None
    gaps: dict[str, float] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    whole_after: float = 0.0
    tokens: int = 0
    lost: int = 0
    taken_away: int = 0
    alive: int = 0
    twice: int = 0
    acts: int = 0
    mails_lost: int = 0
    log_verified: bool = False
    ended: list[str] = field(default_factory=list)  # processes that ended and that nothing has killed

    @property
    def reached(self) -> bool:
        """Return whether it took no longer than its goal."""
        if self.goal == 0:
            return not self.failed
        return self.goal is None or self.gaps["token"] <= self.goal

    @property
    def broken(self) -> list[str]:
        """Return which promises it breaks."""
        counts = {"lost": self.lost, "alive again": self.alive, "twice": self.twice, "mails lost": self.mails_lost}
        found = [f"{count} {name}" for name, count in counts.items() if count]
        found += [] if self.log_verified else ["change log not verified"]
        return found + [f"{name} needs a restart" for name in self.ended]


@dataclass
class Trial:
    cluster: Cluster
    keydesk: Keydesk
    load: Load
    mailbox: Mailbox

    @property
    def ledger(self) -> Ledger:
        return self.load.ledger

    def run(self, fault: Fault) -> Result:
        """Inject and mend the fault, wait until all is well again, and hold the answers to the promises."""
        result = Result(fault.name, fault.title, fault.goal)
        self.cluster.wait_whole(MAX_RECOVERY_S)
        self._wait_calm(time.monotonic())
        before = self.ledger.alive, len(self.ledger.assertions)
        began_at = time.monotonic()
        mend = fault.inject(self.cluster, self.keydesk)
        time.sleep(max(0.0, began_at + fault.least - time.monotonic()))
        while time.monotonic() < began_at + fault.most and not self._is_served():
            time.sleep(0.2)
        mended_at = time.monotonic()
        mend()
        self._wait_calm(time.monotonic())
        self.cluster.wait_whole(MAX_RECOVERY_S)
        until = time.monotonic()
        result.whole_after = until - mended_at
        result.gaps = {kind: self.ledger.gap(kind, began_at, until) for kind in KINDS}
        result.failed = self.ledger.failed(began_at, until)
        self._check(result, began_at - CALM_S, until, before)
        return result

    def _is_served(self) -> bool:
        """Return whether tokens were issued without a pause for SERVED_S."""
        now = time.monotonic()
        return self.ledger.gap("token", now - SERVED_S, now) < 1.5 and not self.ledger.failed(now - SERVED_S, now)

    def _wait_calm(self, since: float) -> None:
        """Return once every kind had nothing but good answers for CALM_S."""
        give_up_at = time.monotonic() + MAX_RECOVERY_S
        while True:
            time.sleep(0.2)
            now = time.monotonic()
            recent = [answer for answer in self.ledger.answers[-5000:] if answer.ended_at > now - CALM_S]
            kinds = {answer.kind for answer in recent if answer.status in GOOD}
            if now > since + CALM_S and kinds >= set(KINDS) and not self.ledger.failed(now - CALM_S, now):
                return
            if now > give_up_at:
                failed = self.ledger.failed(now - CALM_S, now)
                raise UnableToStart(f"No calm after {MAX_RECOVERY_S:.0f} s: {failed}, good: {sorted(kinds)}")

    def _check(self, result: Result, since: float, until: float, before: tuple[int, int]) -> None:
        with self.ledger.lock:
            tokens = [token for token in self.ledger.tokens if since < token.issued_at < until]
        # Decided before it is asked: the load goes on and takes more away meanwhile.
        whole = [token for token in tokens if not token.taken_from and token.client >= 0]
        taken = [token for token in tokens if token.taken_at]
        active = self.active([*whole, *taken])
        result.tokens, result.taken_away = len(tokens), len(taken)
        result.lost = sum(not active[token.text] and not token.taken_from for token in whole)
        result.alive = sum(active[token.text] for token in taken) + self.ledger.alive - before[0]
        result.twice = sum(count > 1 for count in self.ledger.assertions[before[1] :])
        acts = [number for number, at in self.ledger.acts.items() if since < at < until]
        result.acts, result.mails_lost = len(acts), self._missing_mails(acts)
        result.log_verified = self._verify_log()
        result.ended = [
            f"{name} on {host}" for (host, name), process in self.cluster.running.items() if not process.running()
        ]

    def active(self, tokens: Iterable[Token]) -> dict[str, bool]:
        """Introspect each token, and return by its text whether it is active."""

        def ask(share: list[Token]) -> list[tuple[str, bool]]:
            caller, reader, found = Caller(self.ledger), basic(self.load.made["reader"]), []
            for token in share:
                status, body = 0, b""
                while status != 200:
                    status, body = caller.post("check", f"{OAUTH}/introspect", {"token": token.text}, reader)
                found.append((token.text, bool(json.loads(body)["active"])))
            return found

        asked = list(tokens)
        with ThreadPoolExecutor(4) as pool:
            return dict(pair for part in pool.map(ask, [asked[n::4] for n in range(4)]) for pair in part)

    def _missing_mails(self, acts: list[int]) -> int:
        give_up_at = time.monotonic() + MAX_MAIL_S
        while missing := [number for number in acts if number not in self.mailbox.counts]:
            if time.monotonic() > give_up_at:
                break
            time.sleep(0.5)
        return len(missing)

    def _verify_log(self) -> bool:
        try:
            self.keydesk.run([sys.executable, "manage.py", "verify_log", "--new"])
        except UnableToStart as problem:
            print(problem)
            return False
        return True


def describe(result: Result) -> str:
    """Return a line about the result."""
    gaps = ", ".join(f"{kind} {seconds:.1f}" for kind, seconds in result.gaps.items())
    return (
        f"{result.name}: seconds without an answer: {gaps}; failed {result.failed}; {result.tokens} tokens;"
        f" {result.taken_away} taken away; {result.acts} acts; whole {result.whole_after:.0f} s after;"
        f" {'; '.join(result.broken) or 'all promises kept'}"
    )
