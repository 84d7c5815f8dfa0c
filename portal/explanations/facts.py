"""The facts of a refusal (tokens.protocol.errors.Fact) as values of a page.

Facts are numbers, seconds since 1970, names and lists. Entries of an older version hold texts instead ("1795500192",
"a b"); these are read as well, until the month for which entries are kept has passed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext_lazy

from portal.explanations.words import Text
from portal.ui.dates import precise
from tokens.protocol.errors import MAX_FACT_NUMBER

NOTHING = gettext_lazy("nothing")


@dataclass(frozen=True)
class Value:
    """Side of a comparison. `exact`: as sent on the wire, shown in fixed width; `single`: one value, not several."""

    text: Text
    note: str = ""
    exact: bool = True
    single: bool = True

    def is_like(self, other: Value | None) -> bool:
        """Return whether the two can be compared character by character."""
        return other is not None and self.exact and self.single and other.exact and other.single


def exact(fact: object) -> Value:
    """Return a fact as it was on the wire."""
    if fact is None or fact == "null":  # "null" in an entry of an older version
        return Value(NOTHING, exact=False)
    if isinstance(fact, list):
        return Value(" ".join(map(text_of, fact)), single=len(fact) == 1)
    return Value(text_of(fact)) if fact != "" else Value(NOTHING, exact=False)


def text_of(fact: object) -> str:
    if isinstance(fact, bool):
        return str(fact).lower()
    if isinstance(fact, float) and fact.is_integer():
        return f"{fact:.0f}"
    return str(fact)


def names_of(fact: object) -> list[str]:
    """Return a list of names; also from "a b" or "a or b" in an entry of an older version."""
    if isinstance(fact, list):
        return [text_of(item) for item in fact]
    return [name for name in str(fact or "").split() if name != "or"]


def whole(fact: object) -> int | None:
    """Return a count; also from a phrase ("at most 65536 bytes") in an entry of an older version."""
    found = re.search(r"\d{1,15}", str(fact))
    return int(found[0]) if found else None


def number_of(fact: object) -> float | None:
    if isinstance(fact, bool):
        return None
    try:
        value = float(str(fact))
    except ValueError:
        return None
    return value if abs(value) < MAX_FACT_NUMBER else None  # excludes NaN, too


def seconds_of(fact: object) -> float | None:
    """Return seconds since 1970, or None unless the moment is in this or the next centuries."""
    value = number_of(fact)
    return value if value is not None and 0 <= value < 10**10 else None


def moment_of(seconds: float) -> str:
    return precise(datetime.fromtimestamp(seconds, UTC))


def in_milliseconds(fact: object) -> float | None:
    """Return the seconds since 1970 of a time in milliseconds, or None unless that is near our time."""
    value = number_of(fact)
    return value / 1000 if value is not None and 10**11 <= value < 10**13 else None
