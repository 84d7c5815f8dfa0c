"""A change that takes two people: what a program proposes, and a colleague confirms on the pages (API M-7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from ninja import Schema
from pydantic import ConfigDict, Field

from clients.models import Proposal


class Proposed(Schema):
    """Change that waits for a person of the Security team; nothing has changed yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "proposal": "3c9b8a56-1f57-4ed1-9e5e-1c0a2f6d9b11",
                "kind": "scopes_given",
                "state": "waiting",
                "changes": {"scopes": ["address.read", "address.read address.write"]},
                "void_at": "2026-12-08T09:30:00Z",
                "page": "https://keydesk.example/security/proposals/3c9b8a56-1f57-4ed1-9e5e-1c0a2f6d9b11/",
            }
        }
    )

    proposal: UUID
    kind: str
    state: Literal["waiting"]
    changes: dict[str, Any] = Field(description="Field, and its value before and after")
    void_at: datetime
    page: str = Field(description="Where a colleague confirms or declines")


def shown_proposal(proposal: Proposal) -> Proposed:
    """Return the proposal as the answer to the program that made it."""
    page = settings.PUBLIC_URL + reverse("security:proposal", args=[proposal.uid])
    return Proposed(
        proposal=proposal.uid, kind=proposal.kind, state="waiting", changes=proposal.changes,
        void_at=proposal.void_at, page=page,
    )  # fmt: skip
