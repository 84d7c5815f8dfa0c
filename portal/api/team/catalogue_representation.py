"""APIs and scopes as the Security team's programs see them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Prefetch, QuerySet
from ninja import Schema
from pydantic import ConfigDict, Field, JsonValue

from clients import edit_tags
from clients.models import Api, Client, Scope
from portal.api.lists import NEXT

API_EXAMPLE: dict[str, JsonValue] = {
    "identifier": "addresses",
    "name": "Addresses",
    "description": {"en": "Addresses of buildings"},
    "served_by": ["k4m9xw2hz7ra"],
    "built_in": False,
    "etag": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}
SCOPE_EXAMPLE: dict[str, JsonValue] = {
    "id": 7,
    "name": "address.read",
    "api": "addresses",
    "description": {"en": "Read addresses"},
    "sensitive": False,
    "needs_legal_basis": False,
    "deprecated_at": "2026-12-01T09:00:00Z",
    "retires_at": "2027-06-01T00:00:00+02:00",
    "successor": "address.read.v2",
    "deprecation_reason": "Version 2 replaces it",
    "retired_at": None,
    "built_in": False,
    "etag": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
}


class TeamApi(Schema):
    """API of the catalogue, and the clients that are its resource servers."""

    model_config = ConfigDict(json_schema_extra={"example": API_EXAMPLE})

    identifier: str
    name: str
    description: dict[str, str] = Field(description="By language")
    served_by: list[str] = Field(description="Client ids")
    built_in: bool = Field(description="Keydesk's own, which cannot be changed")
    etag: str = Field(description="For If-Match")


class TeamApis(Schema):
    """Page of APIs."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [API_EXAMPLE], "next": None}})

    items: list[TeamApi]
    next: str | None = Field(description=NEXT)


class TeamScope(Schema):
    """Scope of the catalogue."""

    model_config = ConfigDict(json_schema_extra={"example": SCOPE_EXAMPLE})

    id: int
    name: str
    api: str
    description: dict[str, str] = Field(description="By language")
    sensitive: bool = Field(description="Needs two approvals")
    needs_legal_basis: bool = Field(description="An approval names the law, contract or decision that allows it")
    deprecated_at: datetime | None
    retires_at: datetime | None = Field(description="When a deprecated scope is retired")
    successor: str | None = Field(description="Name of the scope to ask for instead")
    deprecation_reason: str
    retired_at: datetime | None
    built_in: bool = Field(description="Of Keydesk's own API, which cannot be changed")
    etag: str = Field(description="For If-Match")


class TeamScopes(Schema):
    """Page of scopes."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [SCOPE_EXAMPLE], "next": None}})

    items: list[TeamScope]
    next: str | None = Field(description=NEXT)


def with_servers(apis: QuerySet[Api]) -> QuerySet[Api]:
    """Load the resource servers of many APIs with one query."""
    return apis.prefetch_related(Prefetch("served_by", Client.objects.exclude(status=Client.Status.CLOSED)))


def shown_api(api: Api) -> TeamApi:
    """Return an API that `with_servers` has read."""
    shown = TeamApi(
        identifier=api.identifier,
        name=api.name,
        description=api.description,
        served_by=sorted(client.client_id for client in api.served_by.all()),
        built_in=api.is_built_in,
        etag="",
    )
    shown.etag = edit_tags.edit_tag(shown.model_dump(mode="json"))
    return shown


def shown_scope(scope: Scope) -> TeamScope:
    """Return a scope with its edit tag."""
    shown = TeamScope(
        id=scope.pk,
        name=scope.name,
        api=scope.api.identifier,
        description=scope.description,
        sensitive=scope.sensitive,
        needs_legal_basis=scope.needs_legal_basis,
        deprecated_at=scope.deprecated_at,
        retires_at=scope.retires_at,
        successor=scope.successor.name if scope.successor else None,
        deprecation_reason=scope.deprecation_reason,
        retired_at=scope.retired_at,
        built_in=scope.is_built_in,
        etag="",
    )
    shown.etag = edit_tags.edit_tag(shown.model_dump(mode="json"))
    return shown
