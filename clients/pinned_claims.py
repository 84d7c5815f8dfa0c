"""Claims that a trust pins: where a value is in a token, and what equals it (PROTOCOL F-32). No Django here.

A pin is named by a member of the claims or, beginning with "/", by a JSON Pointer (RFC 6901).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

CHANGING: Final = frozenset({"exp", "iat", "nbf", "jti", "aud"})
MAX_NAME_LENGTH: Final = 256  # characters
MAX_PINS: Final = 20
MAX_PIN_LENGTH: Final = 1024  # characters of a value as JSON

# Claims that tell one bearer of a name from the next, and never change.
IMMUTABLE: Final = (
    "repository_id", "repository_owner_id", "project_id", "namespace_id", "oid", "tid",
    "/kubernetes.io/serviceaccount/uid",
)  # fmt: skip
# Claims that differ from token to token, so that pinning one would refuse the next.
_OF_ONE_TOKEN: Final = frozenset({
    "aio", "check_run_id", "job_id", "pipeline_id", "rh", "run_attempt", "run_id", "run_number", "runner_id", "sha",
    "uti", "workflow_sha", "job_workflow_sha", "xms_ftd",
})  # fmt: skip

_ABSENT: Final = object()
_BROKEN_ESCAPE: Final = re.compile(r"~(?![01])")
_INDEX: Final = re.compile(r"0|[1-9][0-9]*|-")  # what a pointer has where it goes through an array


def path_of(name: str) -> list[str]:
    """Return the members on the way to a pinned claim."""
    if not name.startswith("/"):
        return [name]
    return [member.replace("~1", "/").replace("~0", "~") for member in name[1:].split("/")]


def value_at(claims: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Return whether there is such a claim, and its value. Nothing is found in an array."""
    found: Any = claims
    for member in path_of(name):
        found = found.get(member, _ABSENT) if isinstance(found, Mapping) else _ABSENT
        if found is _ABSENT:
            return False, None
    return True, found


def is_pinned(claims: Mapping[str, Any], name: str, value: Any) -> bool:
    """Return whether the claim is there, and of the same type and value."""
    is_there, found = value_at(claims, name)
    return is_there and equal(found, value)


def equal(one: Any, other: Any) -> bool:
    """Compare JSON values. In Python true equals 1 and 1 equals 1.0; here neither does."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def problem_of_name(name: str) -> str:
    """Return why no claim of this name can be pinned: "name", "changing", "escape" or "array"; "" if one can."""
    if not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        return "name"
    path = path_of(name)
    if path[0] in CHANGING:
        return "changing"
    if name.startswith("/") and _BROKEN_ESCAPE.search(name):
        return "escape"
    return "array" if name.startswith("/") and any(map(_INDEX.fullmatch, path)) else ""


def has_wildcard(value: Any) -> bool:
    """Return whether a value has a `*` anywhere: it would mean nothing but itself, and somebody expects it to."""
    if isinstance(value, str):
        return "*" in value
    if isinstance(value, Mapping):
        return any(has_wildcard(name) or has_wildcard(item) for name, item in value.items())
    return isinstance(value, list) and any(map(has_wildcard, value))


def proposed(claims: Mapping[str, Any]) -> list[str]:
    """Return the names of immutable claims that a sample token has (PROTOCOL F-36)."""
    return [name for name in IMMUTABLE if isinstance(value_at(claims, name)[1], str | int)]


def candidates(claims: Mapping[str, Any]) -> list[str]:
    """Return the names of the claims of a sample token that a trust may ask for, proposed ones first."""
    first = proposed(claims)
    others = [
        name
        for name, value in claims.items()
        if isinstance(value, str | int) and not (name in {"iss", "sub"} or name.startswith("/"))
        and name not in _OF_ONE_TOKEN and not problem_of_name(name) and not has_wildcard(value)
    ]  # fmt: skip
    return [*first, *(name for name in others if name not in first)]
