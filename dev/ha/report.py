"""The results as a table, for people and for docs/high-availability.md."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from dev.ha.trial import KINDS, Result
from dev.servers.stack import ROOT

PAGE = ROOT / "docs" / "high-availability.md"
TITLES = {"token": "token", "introspect": "introspection", "revoke": "revocation", "page": "page"}


def table(results: Sequence[Result], *, rate: float) -> str:
    """Return a line per fault, with seconds, and counts of answers and of broken promises."""
    head = [f"{TITLES[kind]} s" for kind in KINDS]
    columns = ["fault", *head, "goal", "refused", "lost / tokens", "alive / taken away", "twice", "mails lost / acts"]
    rows = [columns, ["---", *["---:"] * (len(columns) - 1)]]
    for result in results:
        goal = "" if result.goal is None else f"{result.goal:.0f} s" if result.goal else "none refused"
        goal += "" if result.reached else ", missed"
        rows.append([
            result.title,
            *(f"{result.gaps[kind]:.1f}" for kind in KINDS),
            goal,
            str(sum(result.failed.values())),
            f"{result.lost} / {result.tokens}",
            f"{result.alive} / {result.taken_away}",
            str(result.twice),
            f"{result.mails_lost} / {result.acts}",
        ])  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n\n" + _below(results, rate)


def _below(results: Sequence[Result], rate: float) -> str:
    broken = [f"{result.title}: {', '.join(result.broken)}." for result in results if result.broken]
    kept = "After each fault the change log was verified, and nothing but what was killed had to be started again."
    return "\n".join([where(rate), *(broken or [kept])]) + "\n"


def where(rate: float | None = None) -> str:
    """Return the sentence on when and where, and with how many tokens a second."""
    date = time.strftime("%-d %B %Y, %H:%M UTC", time.gmtime())
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    at = f" at {rate:.0f} tokens/s" if rate else ""
    return f"Measured on {date}{at}, with {os.cpu_count()} cores for everything, load average {load}."


def publish(name: str, text: str, page: Path = PAGE) -> None:
    """Put the text between the two comments that name its part of the page."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    between = re.compile(f"(?<={re.escape(begin)}\n).*(?={re.escape(end)})", re.DOTALL)
    page.write_text(between.sub(lambda _: f"\n{text.strip()}\n\n", page.read_text()))
