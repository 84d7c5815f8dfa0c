"""A client as the Security team's programs see it. No secret has a field here."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from ninja import Schema
from pydantic import ConfigDict, Field, JsonValue

from clients import edit_tags
from clients.models import Client, ClientContact, ClientScope
from portal.api.lists import NEXT
from portal.api.representations import CREDENTIAL_EXAMPLE, Credential

# No enums: two of the same name would be one schema in the document.
ClientStatus = Literal["active", "suspended", "closed"]
CLIENT_EXAMPLE: dict[str, JsonValue] = {
    "uid": "0b6f7a52-7b0c-4c55-9d0b-8f4b6ce3f3a0",
    "client_id": "k4m9xw2hz7ra",
    "name": "Meterstanden",
    "organisation": "Waterbedrijf Leiestroom",
    "organisation_number": "BE 0765.440.163",
    "reference": "",
    "purpose": "Reads addresses before letters are sent.",
    "status": "active",
    "created_at": "2026-11-24T09:30:00Z",
    "scopes": ["address.read"],
    "default_scopes": ["address.read"],
    "serves": [],
    "secret_allowed": True,
    "settings": {
        "token_lifetime": None,
        "rate_limit": 600,
        "issuer_audience_only": False,
        "may_request_tokens": True,
        "self_service": "on",
    },
    "contacts": [{"name": "Lotte Verhaeghe", "email": "lotte@leiestroom.example", "role": "owner"}],
    "etag": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}


class Settings(Schema):
    """Overrides of the site's limits and lifetimes; null for the site's."""

    token_lifetime: int | None = Field(description="Seconds")
    rate_limit: int | None = Field(description="HTTP requests a minute")
    issuer_audience_only: bool
    may_request_tokens: bool
    self_service: Client.SelfService


class Contact(Schema):
    """Person who looks after the client."""

    name: str
    email: str
    role: ClientContact.Role


class TeamClient(Schema):
    """Client with its scopes, settings and contacts."""

    model_config = ConfigDict(json_schema_extra={"example": CLIENT_EXAMPLE})

    uid: UUID
    client_id: str
    name: str
    organisation: str
    organisation_number: str
    reference: str
    purpose: str
    status: ClientStatus
    created_at: datetime
    scopes: list[str]
    default_scopes: list[str]
    serves: list[str] = Field(description="APIs whose resource server it is")
    secret_allowed: bool
    settings: Settings
    contacts: list[Contact]
    etag: str = Field(description="For If-Match; moves also with its keys and secrets")


class TeamClients(Schema):
    """Page of clients."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [CLIENT_EXAMPLE], "next": None}})

    items: list[TeamClient]
    next: str | None = Field(description=NEXT)


class Credentials(Schema):
    """Page of keys or secrets, newest first."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [CREDENTIAL_EXAMPLE], "next": None}})

    items: list[Credential]
    next: str | None = Field(description=NEXT)


def loaded(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Load what is shown of each client with as many queries for many as for one."""
    held = Prefetch("client_scopes", ClientScope.objects.filter(scope__retired_at=None).select_related("scope"))
    contacts = Prefetch("contacts", ClientContact.objects.select_related("user").order_by("role", "user__email"))
    return clients.prefetch_related(held, contacts, "serves")


def shown_client(client: Client) -> TeamClient:
    """Return a client that `loaded` has read."""
    held = sorted(client.client_scopes.all(), key=lambda row: row.scope.name)
    serves = client.serves.all()  # type: ignore[attr-defined]  # the other side of Api.served_by
    shown = TeamClient(
        uid=client.uid,
        client_id=client.client_id,
        name=client.name,
        organisation=client.organisation,
        organisation_number=client.organisation_number,
        reference=client.reference,
        purpose=client.purpose,
        status=cast(ClientStatus, client.status),
        created_at=client.created_at,
        scopes=[row.scope.name for row in held],
        default_scopes=[row.scope.name for row in held if row.is_default],
        serves=sorted(api.identifier for api in serves),
        secret_allowed=client.secret_allowed,
        settings=Settings(**{name: getattr(client, name) for name in Client.SETTINGS}),
        contacts=[_contact(row) for row in client.contacts.all()],
        etag="",
    )
    # The version moves with all that the authorization server knows of the client, its keys and secrets among it.
    shown.etag = edit_tags.edit_tag(shown.model_dump(mode="json"), client.version)
    return shown


def _contact(row: ClientContact) -> Contact:
    return Contact(name=row.user.name, email=row.user.email, role=ClientContact.Role(row.role))
