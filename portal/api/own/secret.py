"""The client's own secret: make a new one, shown once, while the old one works on for the overlap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field

from clients.acts.credentials import client_secrets
from clients.refusal_codes import Code
from portal.api.bearer import SelfBearer, caller_of
from portal.api.idempotency import NOT_KEPT, SECRET
from portal.api.openapi import refusals
from portal.api.own.keys import Label, Overlap
from portal.web.http_request import prepared

router = Router(auth=SelfBearer(), tags=["self"])
REGENERATE = refusals(
    Code.SELF_SERVICE_OFF, Code.SECRETS_NOT_ACCEPTED, Code.SECRETS_OFF_BY_POLICY,
    Code.SECRET_MADE_MEANWHILE, Code.SECRET_REGENERATED_MEANWHILE,
    body=True,
)  # fmt: skip


class NewSecret(Schema):
    """How long the previous secret works on, and what the new one is called."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"overlap": 86400, "label": "Meter reader"}}
    )

    overlap: Overlap
    label: Label = ""


class MadeSecret(Schema):
    """The secret in clear, in this answer alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "5f0c7c1e-93d7-4b58-8a3f-0d8d1c1f2a77",
                "secret": "kds_…",
                "previous_ends_at": "2026-12-02T09:30:00Z",
            }
        }
    )

    id: UUID
    secret: str = Field(default="", json_schema_extra=SECRET)
    previous_ends_at: datetime | None = Field(description="Null where there was none")
    code: Literal["secret_not_kept"] = Field(
        default=NOT_KEPT, description="Only of a retry that cannot show the secret again"
    )


@router.post(
    "self/secret",
    response={201: MadeSecret},
    exclude_unset=True,
    url_name="secret",
    operation_id="makeSecret",
    openapi_extra=REGENERATE,
)
def make_secret(request: HttpRequest, payload: NewSecret) -> Status[MadeSecret]:
    """Make a new secret in place of the current one. All contacts are mailed."""
    caller, now = caller_of(request), prepared(request).now
    old, overlap = caller.client.secrets.current().first(), timedelta(seconds=payload.overlap)
    text = client_secrets.regenerate(
        client=caller.client, replaces=old, overlap=overlap, by=caller.actor, now=now, label=payload.label
    )
    new = caller.client.secrets.current().get()
    return Status(201, MadeSecret(id=new.uid, secret=text, previous_ends_at=now + overlap if old else None))
