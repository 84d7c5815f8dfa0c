"""A signal with its words, and its form in the record of a decision.

Records from before the codes hold the sentence that the reviewer read, in the reviewer's language. It is shown as it
stands: a translation would claim what nobody read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from portal.ui.signals.codes import REGISTER, WORDS, Code


@dataclass(frozen=True)
class Signal:
    """`state` is ok, warn, bad, or info for a neutral finding; `url` leads to more, if set.

    `code` is one of Code, or the sentence of a record from before the codes. Facts are JSON values.
    """

    state: str
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""

    @property
    def text(self) -> str:
        return self._words(0)

    @property
    def note(self) -> str:
        return self._words(1)

    @property
    def is_of_scopes(self) -> bool:
        """Tell whether it is about the scopes asked for, which a list shows by themselves."""
        return self.code in (Code.NO_SENSITIVE_SCOPE, Code.SENSITIVE_SCOPES)

    @property
    def sentence(self) -> str:
        return f"{self.text} ({self.note})" if self.note else self.text

    @property
    def record(self) -> str:
        """The text for the record of a decision, which `read` reads."""
        facts = json.dumps(dict(self.facts), ensure_ascii=False, sort_keys=True) if self.facts else ""
        return f"{self.state}: {self.code} {facts}".rstrip()

    def _words(self, part: int) -> str:
        if self.code not in WORDS:
            return "" if part else self.code
        words = WORDS[Code(self.code)][part]
        return str(words % _in_words(self.facts)) if words else ""


def _in_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with those in words that are no names or numbers."""
    shown = dict(facts)
    if "register" in shown:
        shown["register"] = REGISTER[shown["register"]]
    if "contacts" in shown:
        since = _("%(address)s since %(day)s")
        named = [since % {"address": address, "day": day} for address, day in shown["contacts"]]
        shown["contacts"] = ", ".join([*named, *(["…"] if shown["n"] > len(named) else [])])
    return shown


def records(found: Iterable[Signal]) -> list[str]:
    return [signal.record for signal in found]


def read(record: str) -> Signal:
    """Return the signal of a record. A record that is none of ours becomes a signal of its own words."""
    state, _colon, rest = record.partition(": ")
    code, _space, facts = rest.partition(" ")
    try:
        signal = Signal(state, Code(code).value, json.loads(facts or "{}"))
        _whole = signal.sentence
    except (KeyError, TypeError, ValueError):
        return Signal(state, record if rest in WORDS else rest)
    return signal
