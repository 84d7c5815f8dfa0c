"""Entry of a decision on a request: the content asked for, and the information it was decided on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clients import fields
from clients.acts.lifecycle import Changes, difference, names
from clients.models import Registration, Scope

MAX_SIGNALS = 20


def of_request(registration: Registration) -> Changes:
    """The content of a request, as its contact confirmed it."""
    asked = names(row.scope for row in registration.asked.select_related("scope"))
    return difference({}, {**fields.logged(registration.texts), "scopes": asked})


def of_decision(registration: Registration, *, granted: Iterable[Scope], signals: Sequence[str]) -> Changes:
    """The content that was decided on, what was granted of it, and the risk signals as the reviewer saw them.

    `content_hash` is the hash that the reviewer's page carried; the act has checked that it still holds.
    """
    asked = [row.scope for row in registration.asked.select_related("scope")]
    given = list(granted)
    left_out = [scope for scope in asked if scope not in given]
    facts: dict[str, object] = {
        **fields.logged(registration.texts),
        "asked": names(asked),
        "scopes": names(given) or None,
        "left_out": names(left_out) or None,
        "signals": list(signals)[:MAX_SIGNALS],
        "content_hash": registration.content_hash,
    }
    return difference({}, facts)


def with_effects(decided: Changes, effects: Changes) -> Changes:
    """The record with what the decision changed. What it left as it was stays in the record as it was asked."""
    return decided | {name: pair for name, pair in effects.items() if pair[0] != pair[1]}
