"""The record of a decision on a request: the content asked for, and the information for the decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clients import fields
from clients.acts.lifecycle import Changes, difference, names
from clients.models import Registration, Scope

MAX_SIGNALS = 20


def of_request(registration: Registration) -> Changes:
    """Return the content of a request, as its contact confirmed it."""
    asked = names(row.scope for row in registration.asked.select_related("scope"))
    return difference({}, {**fields.logged(registration.texts), "scopes": asked})


def of_decision(registration: Registration, *, granted: Iterable[Scope], signals: Sequence[str]) -> Changes:
    """Return the content that was decided on, the part granted, and the risk signals as the reviewer saw them.

    `content_hash` is that of the reviewer's page; the act has checked that it still holds.
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
    """Add the effects of the decision to its record. Unchanged values stay as they were asked for."""
    return decided | {name: pair for name, pair in effects.items() if pair[0] != pair[1]}
