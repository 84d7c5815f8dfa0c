"""The record of a decision on a request: the content asked for, and the information for the decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clients import fields
from clients.acts.lifecycle import Changes, difference, names
from clients.models import Registration, Scope

MAX_SIGNALS = 20


def of_request(registration: Registration) -> Changes:
    """Return the content of a request, as its contact confirmed it."""
    asked = names(row.scope for row in registration.asked.select_related("scope"))
    return difference({}, {**fields.logged(registration.texts), "scopes": asked})


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """Grounds of a decision beside the request itself, for its entry.

    `signals`: the risk signals on the reviewer's page, each a weight, a code and its facts; `legal_bases`: by the name
    of a scope, the reference of what allows it; `internal_note`: for the second reviewer and auditors, in the entry
    alone and in no mail.
    """

    signals: Sequence[str] = ()
    legal_bases: Mapping[str, str] = field(default_factory=dict)
    internal_note: str = ""

    def legal_bases_of(self, granted: Iterable[Scope]) -> dict[str, str]:
        """Return the references of the granted scopes that need one, by name; "" for a missing one."""
        needed = sorted(scope.name for scope in granted if scope.needs_legal_basis)
        return {name: self.legal_bases.get(name, "") for name in needed}


NO_GROUNDS = Grounds()


def of_decision(registration: Registration, *, granted: Iterable[Scope], grounds: Grounds) -> Changes:
    """Return the content that was decided on, the part granted, and what the decision rests on.

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
        "signals": list(grounds.signals)[:MAX_SIGNALS],
        "legal_basis": [f"{name}: {text}" for name, text in grounds.legal_bases_of(given).items()] or None,
        "internal_note": grounds.internal_note or None,
        "content_hash": registration.content_hash,
    }
    return difference({}, facts)


def with_effects(decided: Changes, effects: Changes) -> Changes:
    """Add the effects of the decision to its record. Unchanged values stay as they were asked for."""
    return decided | {name: pair for name, pair in effects.items() if pair[0] != pair[1]}
