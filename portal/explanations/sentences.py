"""Any refusal in words: of an act, of an uploaded key, of an HTTP request to the authorization server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clients.keymaterial import KeyRefused
from clients.models import User
from foundation.refusals import Refusal
from portal.explanations.acts import SENTENCES, UNKNOWN
from portal.explanations.facts import text_of
from portal.explanations.keys import KEY_WORDS, explain_key
from portal.explanations.words import WORDS
from portal.ui.dates import moment

CHOICES = {"role": User.Role}  # facts that are a value of a list with words of its own


@dataclass(frozen=True)
class InWords:
    """`sentence` is the whole message; `title` and `fix` are its two halves, where it has two."""

    sentence: str
    title: str = ""
    fix: str = ""
    command: str = ""  # of a shell

    def __str__(self) -> str:
        return f"{self.sentence} {self.command}".strip()


def in_words(refusal: Refusal) -> InWords:
    """Return the words in the language that is active."""
    if isinstance(refusal, KeyRefused):
        explained = explain_key(refusal)
        return InWords(explained.sentence, command=explained.command)
    named = _shown(refusal.facts)
    if words := WORDS.get(refusal.code):
        title, fix = str(words.title) % named, str(words.fix) % named
        return InWords(f"{title}. {fix}", title=title, fix=fix)
    return InWords(str(SENTENCES.get(refusal.code, UNKNOWN)) % named)


def sentence_of(refusal: Refusal) -> str:
    return in_words(refusal).sentence


def skipped_keys(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the keys of a published set that cannot be used: `kid`, and `why` in the reader's language."""
    return [{"kid": row["kid"], "why": _why(row["code"], row.get("facts", {}))} for row in rows]


def _why(code: str, facts: Mapping[str, object]) -> str:
    if code in KEY_WORDS:
        return explain_key(KeyRefused(code, **facts)).found
    return sentence_of(Refusal(code, **facts))


def problem_of(code: str) -> str:
    """Return the sentence for the code of the last problem with published keys; "" for none."""
    return sentence_of(Refusal(code)) if code else ""


def _shown(facts: Mapping[str, object]) -> Mapping[str, str]:
    return defaultdict(lambda: "…", {name: _fact(name, value) for name, value in facts.items()})


def _fact(name: str, value: object) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return str(CHOICES[name](str(value)).label) if name in CHOICES else text_of(value)
