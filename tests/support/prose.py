"""Sentences where data belongs: the facts of a refusal are numbers, moments, names and lists of these."""

from __future__ import annotations

import re
from collections.abc import Mapping

PROSE = re.compile(r"[A-Za-z]*[a-z]+ [a-z]+ [a-z]+")  # three words in a row, as no name has them


def prose_in(facts: Mapping[str, object]) -> list[str]:
    """Return the facts that are a phrase of a language."""
    parts = [part for fact in facts.values() for part in (fact if isinstance(fact, list | tuple) else [fact])]
    return [part for part in parts if isinstance(part, str) and PROSE.search(part)]
