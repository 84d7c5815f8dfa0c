"""The change log for a SIEM: entries in order, and the newest signed checkpoint that proves them (API M-14)."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field, JsonValue

from audit import canonical, checkpoints, log
from portal.api.lists import refuse_unknown_filters
from portal.api.openapi import refusals
from portal.api.team.bearers import ChangesRead
from portal.explanations.api_codes import ApiCode
from portal.web.long_poll import MAY_WAIT, WAIT_HEADER

JSON_LINES = "application/jsonl"
MAX_WAIT_S = 25
router = Router(auth=ChangesRead(), tags=["changes"])
ENTRY_EXAMPLE: dict[str, JsonValue] = {
    "seq": 17,
    "at": "2026-11-30T04:00:00.123456Z",
    "actor": {"id": "user:4", "label": "Noor El Amrani <noor@keydesk.example>"},
    "action": "client.suspended",
    "subject": {"id": "client:0b6f7a52-7b0c-4c55-9d0b-8f4b6ce3f3a0", "label": "Meterstanden (k4m9xw2hz7ra)"},
    "client": "0b6f7a52-7b0c-4c55-9d0b-8f4b6ce3f3a0",
    "changes": {"status": ["active", "suspended"]},
    "note": "Case 4711",
    "address": "192.0.2.7",
    "request_id": "7d1c88f041b2",
    "hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}
CHECKPOINT_EXAMPLE: dict[str, JsonValue] = {
    "size": 17,
    "at": "2026-11-30T04:05:00Z",
    "note": "keydesk.example/log\n17\n4nbz…=\n\n— keydesk.example/log Yx3…=\n",
}


class Since(Schema):
    """After which entry, how many, and how long to wait for one."""

    since: Annotated[int, Field(ge=0, lt=2**63)] = Field(default=0, description="The number of the last known entry")
    limit: Annotated[int, Field(ge=1, le=100)] = 100
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_S)] = Field(
        default=MAX_WAIT_S, description="Seconds to wait for an entry when there is none"
    )


class Named(Schema):
    """Actor or subject, as of then."""

    id: str
    label: str


class Change(Schema):
    """Entry of the change log. `hash` is the leaf hash over all of it (RFC 9162 section 2.1.1)."""

    seq: int
    at: str
    actor: Named
    action: str
    subject: Named
    client: str = Field(description="uid of the client whose history it belongs to, or empty")
    changes: dict[str, Any] = Field(description="Field, and its value before and after")
    note: str
    address: str
    request_id: str
    hash: str


class SignedCheckpoint(Schema):
    """Signed statement about the first `size` entries (C2SP tlog-checkpoint)."""

    size: int
    at: datetime
    note: str


class Changes(Schema):
    """Entries in order, and where to go on."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"items": [ENTRY_EXAMPLE], "next": 17, "more": False, "checkpoint": CHECKPOINT_EXAMPLE}
        }
    )

    items: list[Change]
    next: int = Field(description="`since` of the next call")
    more: bool = Field(description="Whether further entries are there already")
    checkpoint: SignedCheckpoint | None = Field(description="The newest; null before the first")


LINES = {
    "schema": {"type": "string", "description": "A line for each entry, then one with next, more and checkpoint"},
    "examples": {"empty": {"value": '{"checkpoint":null,"more":false,"next":17}\n'}},
}
EXTRA = refusals(ApiCode.FIELDS_INVALID) | {"responses": {200: {"content": {JSON_LINES: LINES}}}}


@router.get("changes", response=Changes, url_name="changes", operation_id="listChanges", openapi_extra=EXTRA)
def list_changes(request: HttpRequest, since: Query[Since]) -> Changes | HttpResponse:
    """Return the entries after `since`, as JSON or, by Accept, as application/jsonl. Waits when there is none."""
    refuse_unknown_filters(request, Since)
    checkpoint = checkpoints.newest()  # before the entries, so that whoever has all of them has what it is about
    found = log.following(since.since, since.limit + 1)
    if not found and since.wait and request.META.get(MAY_WAIT):
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={WAIT_HEADER: f"{since.since} {since.wait}"})
    entries = [canonical.told(entry) for entry in found[: since.limit]]
    rest: dict[str, Any] = {
        "next": entries[-1]["seq"] if entries else since.since,
        "more": len(found) > since.limit,
        "checkpoint": checkpoint and {
            "size": checkpoint.size, "at": canonical.moment(checkpoint.at), "note": checkpoint.note
        },
    }  # fmt: skip
    if JSON_LINES in request.headers.get("Accept", ""):
        lines = b"".join(canonical.encode(each) + b"\n" for each in (*entries, rest))
        return HttpResponse(lines, content_type=JSON_LINES)
    return Changes.model_validate({"items": entries, **rest})
