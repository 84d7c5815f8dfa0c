"""Canonical JSON (RFC 8785) of change log entries, the same for a database row and an exported line.

Written here because the standard library's encoder is enough for the values of entries, and takes a fifth of the time
of the package rfc8785. Use that package if entries ever hold floats or names outside ASCII.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from audit import merkle

# Everything the leaf hash covers: every column of an entry but the leaf hash itself.
COLUMNS = (
    "seq",
    "at",
    "action",
    "actor_id",
    "actor_label",
    "subject_id",
    "subject_label",
    "client_ref",
    "changes",
    "note",
    "address",
    "request_id",
)
EXPORTED = frozenset((*COLUMNS, "leaf_hash"))
TOLD = frozenset(  # by the management API (API M-14)
    ("seq", "at", "actor", "action", "subject", "client", "changes", "note", "address", "request_id", "hash")
)

# For strings, booleans, null, integers below 2^53, lists, and objects with ASCII names, this is RFC 8785 to the byte
# and five times faster than a general implementation. Entries hold nothing else: no floats (section 3.2.2.3), and no
# name for which UTF-16 order (section 3.2.3) would differ. The tests compare it with the rfc8785 package.
_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def encode(value: Mapping[str, object]) -> bytes:
    """Return canonical JSON in UTF-8. Raises ValueError for a lone surrogate or NaN, TypeError for other types."""
    return _encoder.encode(value).encode()


class Decoder(json.JSONDecoder):
    """JSON decoder that accepts every number a database can hold, so that no stored entry is unreadable.

    Numbers that Python cannot hold (thousands of digits, or not finite) stay text, so that the entry is still verified,
    shown and exported.
    """

    def __init__(self) -> None:
        super().__init__(parse_int=_integer, parse_float=_finite)


def _integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits


def _finite(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def moment(at: datetime) -> str:
    """Format an aware time as RFC 3339 in UTC, always with microseconds, so that text order is time order."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def exported(row: Mapping[str, object]) -> dict[str, object]:
    """Return a database row (COLUMNS and `leaf_hash`) in its exported form: times as text, the leaf hash in hex."""
    at, leaf = cast(datetime, row["at"]), cast(bytes, row["leaf_hash"])
    return {**row, "at": moment(at), "leaf_hash": bytes(leaf).hex()}


def leaf_hash(entry: Mapping[str, object]) -> bytes:
    """Return the leaf hash (32 bytes) of an entry in its exported form; a stored leaf hash in it is ignored."""
    return merkle.leaf_hash(encode({name: entry[name] for name in COLUMNS}))


def told(entry: Mapping[str, object]) -> dict[str, object]:
    """Return an entry in its exported form as the management API tells it."""
    return {
        **{name: entry[name] for name in ("seq", "at", "action", "changes", "note", "address", "request_id")},
        "actor": {"id": entry["actor_id"], "label": entry["actor_label"]},
        "subject": {"id": entry["subject_id"], "label": entry["subject_label"]},
        "client": entry["client_ref"],
        "hash": entry["leaf_hash"],
    }


def _exported_of_told(entry: Mapping[str, object]) -> dict[str, object]:
    """Return the exported form of an entry that the management API told. Raises ValueError."""
    people: dict[str, object] = {}
    for name in ("actor", "subject"):
        found = entry[name]
        if not isinstance(found, dict) or found.keys() != {"id", "label"}:
            raise ValueError(f"no id and label of the {name}")
        people |= {f"{name}_{part}": text for part, text in found.items()}
    rest = {name: value for name, value in entry.items() if name not in ("actor", "subject", "client", "hash")}
    return {**rest, **people, "client_ref": entry["client"], "leaf_hash": entry["hash"]}


def parse_line(line: bytes) -> dict[str, object]:
    """Parse a line of an export, or of the management API.

    Raises ValueError unless it is, byte for byte, the canonical form of a JSON object.
    """
    try:
        entry = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    # A line with an added space, escape or repeated member parses to the same entry, so compare the bytes.
    if not isinstance(entry, dict) or encode(entry) != line:
        raise ValueError("not in canonical form")
    return _exported_of_told(entry) if entry.keys() == TOLD else entry
