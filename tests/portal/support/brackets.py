"""A language in which every message is in brackets, so that words without a translation stand outside."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import trans_real

# --- A language in which every message is in brackets -----------------------------------------------------------------


class Brackets(gettext.NullTranslations):
    """Translations that put texts in brackets. `asked`: the messages, with their context or plural."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[tuple[str, str]] = set()

    def language(self) -> str:
        return "en"

    def to_language(self) -> str:
        return "en"

    def gettext(self, message: str) -> str:
        self.asked.add((message, ""))
        return f"⟦{message.rpartition(chr(4))[2]}⟧"

    def ngettext(self, one: str, many: str, n: int) -> str:
        self.asked.add((one, many))
        return f"⟦{one if n == 1 else many}⟧"


@contextmanager
def in_brackets() -> Iterator[Brackets]:
    language, before = Brackets(), getattr(trans_real._active, "value", None)
    trans_real._active.value = language
    try:
        yield language
    finally:
        if before is None:
            del trans_real._active.value
        else:
            trans_real._active.value = before


OUTSIDE = re.compile(r"<[^>]*>|⟦[^⟦⟧]*⟧")


DATA = re.compile(r"<(?:span class=\"kd-mono[^>]*|code[^>]*|p class=\"kd-mono[^>]*)>.*?</(?:span|code|p)>", re.DOTALL)


NAMES = {"CET", "aud", "kid", "iss", "sub", "client_assertion_type"}  # a zone; what a Copy button copies


def words_outside(html: str) -> list[str]:
    """The words of a page that no catalogue was asked for, data in fixed width aside."""
    text, before = DATA.sub(" ", html), ""
    while text != before:  # messages hold others: a date within a sentence
        text, before = OUTSIDE.sub(" ", text), text
    text = re.sub(r"&[#\w]+;", " ", text)
    return [word for word in re.findall(r"[^\W\d]{2,}", text) if word not in NAMES]
