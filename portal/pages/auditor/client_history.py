"""State of a client at a past moment, from the change log alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from audit.actions import FIELDS, Action
from audit.models import Entry
from clients.models import Client
from portal.ui.log_entries import value

# Facts set by an act on the client, or by its request.
SET_BY = {
    Action.REGISTRATION_APPROVED, Action.CLIENT_CREATED, Action.CLIENT_RENAMED, Action.CLIENT_SCOPES_CHANGED,
    Action.CLIENT_SETTINGS_CHANGED, Action.CLIENT_SUSPENDED, Action.CLIENT_REACTIVATED, Action.CLIENT_CLOSED,
    Action.CLIENT_ID_CHANGED, Action.SECRET_AUTHENTICATION_OFF, Action.SECRET_AUTHENTICATION_ON, Action.CLIENT_DETACHED,
    Action.SELF_SERVICE_ON, Action.SELF_SERVICE_PAUSED, Action.SELF_SERVICE_OFF,
}  # fmt: skip
# Facts about the decision, not about the client.
OF_THE_DECISION = {
    "asked", "left_out", "signals", "content_hash", "email", "proposed_by", "proposal_reason", "legal_basis",
    "internal_note",
}  # fmt: skip
OF_AN_INCIDENT = {"case", "addresses", "networks", "message"}
CREDENTIALS = ("key.", "secret.", "trust.", "jwks_uri.", "incident.revoked")  # actions
CREDENTIAL_IDS = ("key:", "secret:", "trust:", "jwks_uri:")  # subjects


@dataclass
class Past:
    """State: `facts`: field -> last value. `contacts`: person -> role. `credentials`: label -> last act."""

    existed: bool = False
    facts: dict[str, object] = field(default_factory=dict)
    contacts: dict[str, object] = field(default_factory=dict)
    credentials: dict[str, Entry] = field(default_factory=dict)
    came_with: set[str] = field(default_factory=set)  # the credentials made with the client

    def without_scopes(self, retired: Iterable[str]) -> None:
        """Take away scopes that were retired: that is an entry of the scope and none of the client."""
        gone = set(retired)
        for name in ("scopes", "default_scopes"):
            held = str(self.facts.get(name) or "").split()
            if gone & set(held):
                self.facts[name] = " ".join(scope for scope in held if scope not in gone)

    def rows(self) -> list[tuple[object, str]]:
        """Return (label, value) of each known fact, in the order of audit.actions.FIELDS."""
        known = [(FIELDS[name], value(name, self.facts[name])) for name in FIELDS if name in self.facts]
        return [(label, text) for label, text in known if text]


def as_it_was(entries: Iterable[Entry]) -> Past:
    """Return the state after these entries of a client, oldest first."""
    past = Past()
    for entry in entries:
        differences, others = entry.differences, OF_THE_DECISION | OF_AN_INCIDENT
        before = {name: earlier for name, earlier, _later in differences}
        after = {name: later for name, _earlier, later in differences if name not in others | {"api"}}
        if entry.action in SET_BY:
            if not past.existed and entry.action in (Action.REGISTRATION_APPROVED, Action.CLIENT_CREATED):
                past.existed = True
                past.facts = {"status": Client.Status.ACTIVE.value, "client_name": entry.subject_label}
            if "contact" in after:  # the first contact, made with the client
                past.contacts[str(after.pop("contact"))] = after.pop("role")
            past.facts |= after
        elif entry.action == Action.CLIENT_CONTACT_REMOVED:
            past.contacts.pop(str(before.get("contact")), None)
        elif entry.action in (Action.CLIENT_CONTACT_ADDED, Action.CLIENT_CONTACT_ROLE_CHANGED):
            past.contacts[str(after.get("contact") or before.get("contact"))] = after.get("role")
        elif entry.action.startswith(CREDENTIALS) and entry.subject_id.startswith(CREDENTIAL_IDS):
            past.credentials[entry.subject_id] = entry
            if entry.action == Action.SECRET_CREATED and not past.existed:
                past.came_with.add(entry.subject_id)
    return past
