"""A request for a client as the Security team's programs see it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from ninja import Schema
from pydantic import ConfigDict, Field, JsonValue

from clients import edit_tags
from clients.models import Registration, RegistrationMessage, RegistrationScope
from portal.api.lists import NEXT

# No enums: two of the same name would be one schema in the document.
RequestKind = Literal["new", "change"]
RequestStatus = Literal["unconfirmed", "submitted", "changes_requested", "approved", "rejected", "withdrawn"]
MESSAGE_EXAMPLE: dict[str, JsonValue] = {"by": "team", "text": "Which addresses?", "at": "2026-11-25T10:00:00Z"}
REQUEST_EXAMPLE: dict[str, JsonValue] = {
    "uid": "5a0a7a6e-93b1-4c8e-a3cf-0c2c2a9f7a10",
    "number": "R-2026-0412",
    "kind": "new",
    "status": "submitted",
    "client_name": "Meterstanden",
    "organisation": "Waterbedrijf Leiestroom",
    "organisation_number": "BE 0765.440.163",
    "reference": "",
    "contact_name": "Lotte Verhaeghe",
    "contact_email": "lotte@leiestroom.example",
    "purpose": "Reads addresses before letters are sent.",
    "reason": "",
    "scenario": "client_credentials",
    "scopes": [{"name": "address.read", "sensitive": False, "granted": None, "legal_basis": ""}],
    "client": None,
    "program": None,
    "created_at": "2026-11-24T09:30:00Z",
    "submitted_at": "2026-11-24T09:35:00Z",
    "endorsed_at": None,
    "decided_at": None,
    "messages": [MESSAGE_EXAMPLE],
    "etag": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}


class AskedScope(Schema):
    """Scope that is asked for."""

    name: str
    sensitive: bool
    granted: bool | None = Field(description="Null before a decision")
    legal_basis: str = Field(description="Reference of what allows it, given at the decision; empty without one")


class Message(Schema):
    """Message of the conversation about the request."""

    model_config = ConfigDict(json_schema_extra={"example": MESSAGE_EXAMPLE})

    by: str = Field(description="contact, team or program")
    text: str
    at: datetime


class TeamRequest(Schema):
    """Request for a client, or for a change of one."""

    model_config = ConfigDict(json_schema_extra={"example": REQUEST_EXAMPLE})

    uid: UUID
    number: str
    kind: RequestKind
    status: RequestStatus
    client_name: str
    organisation: str
    organisation_number: str
    reference: str
    contact_name: str
    contact_email: str
    purpose: str
    reason: str = Field(description="Of a change")
    scenario: str = Field(description="Grant of OAuth 2.0 that was chosen; empty for a change, or before there was one")
    scopes: list[AskedScope]
    client: UUID | None = Field(description="uid of the client that was made, or is to change")
    program: UUID | None = Field(description="uid of the program that filled it in for the contact")
    created_at: datetime
    submitted_at: datetime | None = Field(description="When the contact confirmed it")
    endorsed_at: datetime | None = Field(description="First of two approvals")
    decided_at: datetime | None
    messages: list[Message]
    etag: str = Field(description="For If-Match")


class TeamRequests(Schema):
    """Page of requests, newest first."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [REQUEST_EXAMPLE], "next": None}})

    items: list[TeamRequest]
    next: str | None = Field(description=NEXT)


def loaded(requests: QuerySet[Registration]) -> QuerySet[Registration]:
    """Load what is shown of each request with as many queries for many as for one."""
    asked = Prefetch("asked", RegistrationScope.objects.select_related("scope"))
    messages = Prefetch("messages", RegistrationMessage.objects.select_related("author"))
    return requests.select_related("client", "program").prefetch_related(asked, messages)


def shown_request(registration: Registration) -> TeamRequest:
    """Return a request that `loaded` has read."""
    client, program = registration.client, registration.program
    shown = TeamRequest(
        uid=registration.uid,
        number=registration.number,
        kind=cast(RequestKind, registration.kind),
        status=cast(RequestStatus, registration.status),
        **registration.texts,
        scopes=[
            AskedScope(name=row.scope.name, sensitive=row.scope.sensitive, granted=row.granted, legal_basis=row.basis)
            for row in registration.asked.all()
        ],
        client=client.uid if client else None,
        program=program.uid if program else None,
        created_at=registration.created_at,
        submitted_at=registration.submitted_at,
        endorsed_at=registration.endorsed_at,
        decided_at=registration.decided_at,
        messages=[shown_message(row) for row in registration.messages.all()],
        etag="",
    )
    # A change is about the client as it is: its version moves with its scopes.
    shown.etag = edit_tags.edit_tag(shown.model_dump(mode="json"), client.version if client else 0)
    return shown


def shown_message(message: RegistrationMessage) -> Message:
    """Return a message; of people only on which side they are."""
    side = "program" if message.author is None else "team" if message.author.is_staff_member else "contact"
    return Message(by=side, text=message.text, at=message.written_at)
