"""Refusals explained: codes and facts in, words in the reader's language out. The only source of such words.

Pages, mails and commands call `explain`. words.py holds the meaning and remedy of each rule, evidence.py the comparison
of what was sent with what is expected, slips.py the likely slip.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portal.explanations import evidence, slips
from portal.explanations.evidence import Row
from portal.explanations.facts import seconds_of, text_of
from portal.explanations.slips import Slip
from portal.explanations.words import Text, of_rule
from portal.ui.dates import exactly
from tokens.protocol.assertion import CLOCK_TOLERANCE_S
from tokens.protocol.errors import Rule


@dataclass(frozen=True)
class Explanation:
    """Context of components/explanation.html. `offset`, `allowed`: seconds, for a clock that is ahead."""

    rule: str
    title: Text
    fix: Text
    rows: list[Row]
    about: list[Text]
    slip: Slip | None = None
    command: str = ""
    copy: str = ""  # the value to use instead
    offset: float | None = None
    allowed: float | None = None


def explain(rule: str, facts: Mapping[str, Any], *, now_words: str = "") -> Explanation:
    """Explain a refusal in the reader's language.

    `now_words`: how to call the moment of our clock, where it is not that of an HTTP request that arrived.
    """
    words, slip = of_rule(rule), slips.likely(rule, facts)
    named = defaultdict(lambda: "…", {name: text_of(value) for name, value in facts.items()})
    rows = evidence.rows(rule, facts, now_words=now_words)
    offset = _offset(rule, facts)
    return Explanation(
        rule=rule,
        title=(slip.title if slip else "") or _measured(rule, facts) or str(words.title) % named,
        fix=(slip.fix if slip else "") or str(words.fix) % named,
        rows=rows,
        about=evidence.details(rule, facts),
        slip=slip,
        command=slip.command if slip else "",
        copy=_to_copy(rule, rows),
        offset=offset,
        allowed=CLOCK_TOLERANCE_S if offset is not None else None,
    )


# Rules whose expected value can be copied into the caller's configuration.
TO_COPY = {Rule.AUDIENCE, Rule.KID, Rule.ISSUER, Rule.SUBJECT, Rule.ASSERTION_TYPE, Rule.FEDERATED_AUDIENCE}


def _to_copy(rule: str, rows: list[Row]) -> str:
    expected = rows[0].expected if rows and rule in TO_COPY else None
    return str(expected.text) if expected and expected.exact and expected.single else ""


def _offset(rule: str, facts: Mapping[str, Any]) -> float | None:
    sent, ours = seconds_of(facts.get("sent")), seconds_of(facts.get("our_clock"))
    return sent - ours if rule in evidence.CLOCK_AHEAD_RULES and sent is not None and ours is not None else None


def _measured(rule: str, facts: Mapping[str, Any]) -> str:
    """Return the title with the difference between two clocks, "" where nothing was measured."""
    sent, ours = seconds_of(facts.get("sent")), seconds_of(facts.get("our_clock"))
    if sent is None or ours is None:
        return ""
    if rule in evidence.CLOCK_AHEAD_RULES:
        return _("Your server's clock is %(span)s ahead") % {"span": exactly(sent - ours)}
    if rule == Rule.EXPIRED:
        return _("The assertion had expired %(span)s before it arrived") % {"span": exactly(ours - sent)}
    return ""
