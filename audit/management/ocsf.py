"""Entries of the change log as events of the Open Cybersecurity Schema Framework, for a SIEM (docs/ocsf.md).

https://schema.ocsf.io, category Identity & Access Management. What the framework has no attribute for is in `unmapped`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from audit.actions import Action
from foundation import VERSION

SCHEMA: Final = "1.3.0"
CATEGORY: Final = 3  # Identity & Access Management
ACCOUNT_CHANGE, AUTHENTICATION, ENTITY_MANAGEMENT = 3001, 3002, 3004
OTHER: Final = 99
LOGON, LOGOFF = 1, 2
SUCCESS, FAILURE = 1, 2
INFORMATIONAL, MEDIUM = 1, 3

AUTHENTICATIONS: Final = {
    Action.STAFF_SIGNED_IN: LOGON,
    Action.STAFF_SIGNED_OUT: LOGOFF,
    Action.STAFF_SIGN_IN_FAILED: LOGON,
    Action.STAFF_SIGN_IN_LIMITED: LOGON,
    Action.LINK_OPENED: LOGON,
    Action.PASSKEY_USED: LOGON,
    Action.ACCOUNT_USED: LOGON,
    Action.STEPUP_PASSED: OTHER,
    Action.SESSIONS_ENDED: LOGOFF,
}
ACCOUNT_CHANGES: Final = {
    Action.STAFF_INVITED: 1,  # Create
    Action.STAFF_ROLE_CHANGED: OTHER,
    Action.STAFF_SIGN_IN_CHANGED: OTHER,
    Action.STAFF_DEACTIVATED: 5,  # Disable
    Action.CODE_LOCKED: 9,  # Lock
    Action.PASSKEY_ADDED: OTHER,
    Action.PASSKEY_REMOVED: OTHER,
    Action.ACCOUNT_BOUND: OTHER,
    Action.ACCOUNT_UNBOUND: OTHER,
}
# Of all other actions, by the last word of their name: activities of Entity Management.
VERBS: Final = {
    **dict.fromkeys(("created", "added", "made", "requested", "invited"), 1),  # Create
    **dict.fromkeys(("viewed", "read", "exported", "up", "downloaded"), 2),  # Read
    **dict.fromkeys(("changed", "renamed", "regenerated", "labelled", "resubmitted", "reencrypted", "restored"), 3),
    **dict.fromkeys(
        ("removed", "ended", "retired", "revoked", "invalidated", "closed", "withdrawn", "displaced", "dropped"), 4
    ),  # Delete
    **dict.fromkeys(("enabled", "reactivated", "activated", "on"), 8),  # Enable
    **dict.fromkeys(("disabled", "suspended", "paused", "off"), 9),  # Disable
}
FAILED: Final = frozenset(
    {
        Action.STAFF_SIGN_IN_FAILED, Action.STAFF_SIGN_IN_LIMITED, Action.CODE_LOCKED, Action.KEY_REFUSED,
        Action.ISSUER_KEYS_REFUSED, Action.JWKS_URI_FAILED,
    }
)  # fmt: skip
ALARMING: Final = FAILED | {Action.INCIDENT_REVOKED, Action.CHECKPOINT_SET_ASIDE, Action.DATABASE_RESTORED}


def kind(action: str) -> tuple[int, int]:
    """Return class and activity of an action."""
    if action in AUTHENTICATIONS:
        return AUTHENTICATION, AUTHENTICATIONS[Action(action)]
    if action in ACCOUNT_CHANGES:
        return ACCOUNT_CHANGE, ACCOUNT_CHANGES[Action(action)]
    return ENTITY_MANAGEMENT, VERBS.get(action.replace(".", "_").rpartition("_")[2], OTHER)


def event(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry, as `log.export` has it, as an event."""
    action = entry["action"]
    class_uid, activity = kind(action)
    actor = {"uid": entry["actor_id"], "name": entry["actor_label"]}
    subject = {"uid": entry["subject_id"], "name": entry["subject_label"]}
    about: dict[str, Any] = {
        ACCOUNT_CHANGE: {"user": subject},
        AUTHENTICATION: {"user": actor, "service": {"name": "Keydesk"}},
        ENTITY_MANAGEMENT: {"entity": {**subject, "type": entry["subject_id"].partition(":")[0]}},
    }[class_uid]
    return {
        "category_uid": CATEGORY,
        "class_uid": class_uid,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        **({"activity_name": action} if activity == OTHER else {}),
        "time": round(datetime.fromisoformat(entry["at"]).timestamp() * 1000),
        "severity_id": MEDIUM if action in ALARMING else INFORMATIONAL,
        "status_id": FAILURE if action in FAILED else SUCCESS,
        "metadata": {
            "version": SCHEMA,
            "profiles": ["host"],  # by which Entity Management has an actor
            "product": {"name": "Keydesk", "vendor_name": "Keydesk", "version": VERSION},
            "log_name": "change log",
            "event_code": action,
            "sequence": entry["seq"],
            "uid": entry["leaf_hash"],
        },
        "actor": {"user": actor},
        **({"src_endpoint": {"ip": entry["address"]}} if entry["address"] else {}),
        **about,
        "unmapped": {name: entry[name] for name in ("subject_id", "client_ref", "changes", "note", "request_id")},
    }
