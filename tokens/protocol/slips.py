"""Likely slip behind a refused value, as a code or a name for the journal (PROTOCOL R-31). No Django here.

The values come from strangers, so everything here takes linear time, and keeps nothing of a secret but its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from foundation import secret_format

QUOTES = "\"'`"
MAX_NAME_LENGTH = 200  # characters; longer scopes and key ids are not compared

# Words that programming languages print for a value that was never set.
UNSET = frozenset({"null", "none", "undefined", "nil", "nan", "(null)", "<nil>", "[object object]", "false"})
# Unexpanded variables: $NAME, ${NAME}, $(command), %NAME%, {{ name }}.
_VARIABLE = re.compile(r"\$[\w{(]|%\w{1,100}%$|\{\{|#\{")
# Placeholders of code samples: YOUR_CLIENT_SECRET, <secret>, changeme, xxx.
_PLACEHOLDER = re.compile(
    r"your[_ -]|<[^<>]{0,100}>$|changeme|change_me|replace[_-]?me|x{3,100}$|(?:keydesk_)?client_(?:secret|id)$"
)
_SEPARATOR = re.compile(r"[,;+|]|%20|%2c|\\n", re.IGNORECASE)


def word_for(text: str) -> str:
    """Return "empty", "unset", "variable" or "placeholder" if the text is no real value but one of these, else ""."""
    plain = text.strip().strip(QUOTES)
    if not plain:
        return "empty"
    if len(plain) > MAX_NAME_LENGTH:
        return ""
    lower = plain.lower()
    if lower in UNSET:
        return "unset"
    if _VARIABLE.match(plain):
        return "variable"
    return "placeholder" if _PLACEHOLDER.match(lower) else ""


def of_secret(sent: str, *, client_id: str, fits: Callable[[str], bool]) -> str:
    """Return the slip behind a wrong client secret; `fits` tells whether a text is the client's secret."""
    if (trimmed := trimmed_of(sent)) != sent and fits(trimmed):
        return _what_came_along(sent)
    if word := word_for(sent):
        return word
    if sent.startswith("kdt_"):
        return "token"
    if sent.startswith("eyJ"):
        return "assertion"
    if sent == client_id:
        return "client_id"
    if not trimmed.startswith(secret_format.PREFIX):
        return ""
    if len(trimmed) != secret_format.LENGTH:
        return "cut" if len(trimmed) < secret_format.LENGTH else "long"
    return "other" if secret_format.is_well_formed(trimmed) else "mistyped"  # by its checksum


def trimmed_of(sent: str) -> str:
    """Return a value without the blanks, line ends and quotes around it."""
    return sent.strip().strip(QUOTES).strip()


def _what_came_along(sent: str) -> str:
    around = sent.strip()
    if around.strip(QUOTES) != around:
        return "quote"
    return "line_end" if "\n" in sent or "\r" in sent else "blank"


def separator_in(name: str, known: Iterable[str]) -> str:
    """Return the separator between known names where a blank belongs: a comma, a plus, a percent escape; "" if none."""
    if len(name) > MAX_NAME_LENGTH or not (found := _SEPARATOR.search(name)):
        return ""
    names = frozenset(known)
    return found.group() if any(part in names for part in _SEPARATOR.split(name)) else ""


def near(sent: object, known: Iterable[str]) -> dict[str, str]:
    """Return {"near": name} for the known name that `sent` is one edit away from, {} if there is none."""
    if not isinstance(sent, str) or len(sent) > MAX_NAME_LENGTH:
        return {}
    trimmed = trimmed_of(sent)
    for name in known:
        if name != sent and (trimmed.casefold() == name.casefold() or is_one_edit(trimmed, name)):
            return {"near": name}
    return {}


def is_one_edit(one: str, other: str) -> bool:
    """Return whether the texts differ by one character added, left out or changed, or two swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    shorter = min(len(one), len(other))
    start = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    rest = shorter - start
    end = next((i for i in range(rest) if one[-1 - i] != other[-1 - i]), rest)
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    return max(len(left), len(right)) <= 1 or (len(left) == 2 and left == right[::-1])
