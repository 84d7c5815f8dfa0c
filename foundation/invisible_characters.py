"""Invisible characters: shown as escapes, and refused in names."""

from __future__ import annotations

import re

# Default_Ignorable_Code_Point of Unicode (DerivedCoreProperties.txt), and the blank of Braille. Some count as letters.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def is_visible(char: str) -> bool:
    return char.isprintable() and not INVISIBLE.match(char)


def has_invisible(text: str) -> bool:
    return not text.isprintable() or INVISIBLE.search(text) is not None
