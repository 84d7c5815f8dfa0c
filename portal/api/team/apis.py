"""APIs of the catalogue for the Security team's programs."""

from __future__ import annotations

from typing import Annotated

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field, StringConstraints

from clients.acts import catalogue
from clients.models import Api, Client
from clients.refusal_codes import Code
from portal.api.bearer import caller_of
from portal.api.if_match import require_tag
from portal.api.lists import NumberedPage, newest_first, refuse_unknown_filters, wrong_field
from portal.api.openapi import refusals
from portal.api.problems import Problem
from portal.api.team.bearers import CatalogueRead, CatalogueWrite
from portal.api.team.catalogue_representation import TeamApi, TeamApis, shown_api, with_servers
from portal.api.texts import Descriptions, Name, Reason, in_english
from portal.explanations.api_codes import ApiCode

WRITE = CatalogueWrite()
router = Router(auth=CatalogueRead(), tags=["catalogue"])


class NewApi(Schema):
    """An API to add."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "identifier": "parcels",
                "name": "Parcels",
                "description": {"en": "Who owns what"},
                "reason": "Case 4711",
            }
        },
    )

    identifier: Annotated[str, StringConstraints(pattern="^[a-z0-9-]+$", max_length=60)]
    name: Name
    description: Descriptions
    reason: Reason


class ApiChange(Schema):
    """Changes of an API; fields that are left out stay as they are."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"served_by": ["k4m9xw2hz7ra"], "reason": "Case 4711"}}
    )

    name: Name | None = None
    description: Descriptions | None = None
    served_by: list[str] | None = Field(default=None, max_length=100, description="Client ids of all resource servers")
    reason: Reason


@router.get(
    "apis",
    response=TeamApis,
    url_name="apis",
    operation_id="listApis",
    openapi_extra=refusals(ApiCode.FIELDS_INVALID),
)
def list_apis(request: HttpRequest, page: Query[NumberedPage]) -> TeamApis:
    """Return the APIs, newest first."""
    refuse_unknown_filters(request, NumberedPage)
    rows, cursor = newest_first(with_servers(Api.objects.all()), page)
    return TeamApis(items=[shown_api(row) for row in rows], next=cursor)


@router.post(
    "apis",
    auth=WRITE,
    response={201: TeamApi},
    url_name="apis",
    operation_id="createApi",
    openapi_extra=refusals(Code.API_EXISTS, Code.NAME_RESERVED, body=True),
)
def create_api(request: HttpRequest, response: HttpResponse, payload: NewApi) -> Status[TeamApi]:
    """Add an API."""
    api = catalogue.create_api(
        identifier=payload.identifier, name=payload.name, description=in_english(payload.description),
        reason=payload.reason, by=caller_of(request).actor,
    )  # fmt: skip
    return Status(201, _answer_with(response, api.identifier))


@router.get(
    "apis/{slug:identifier}",
    response=TeamApi,
    url_name="api",
    operation_id="getApi",
    openapi_extra=refusals(ApiCode.NOT_FOUND, ApiCode.FIELDS_INVALID),
)
def get_api(request: HttpRequest, response: HttpResponse, identifier: str) -> TeamApi:
    """Return one API."""
    return _answer_with(response, identifier)


@router.patch(
    "apis/{slug:identifier}",
    auth=WRITE,
    response=TeamApi,
    url_name="api",
    operation_id="changeApi",
    openapi_extra=refusals(
        ApiCode.NOT_FOUND, ApiCode.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE, Code.BUILT_IN, body=True
    ),
)
def change_api(request: HttpRequest, response: HttpResponse, identifier: str, payload: ApiChange) -> TeamApi:
    """Change the name, the description or the resource servers, which may introspect at once. Needs If-Match."""
    with transaction.atomic():
        Api.objects.select_for_update(no_key=True).filter(identifier=identifier).first()
        api = _api_of(identifier)
        require_tag(request, shown_api(api).etag)
        servers = list(api.served_by.all()) if payload.served_by is None else _clients(payload.served_by)
        description = api.description if payload.description is None else in_english(payload.description)
        catalogue.change_api(
            api=api, name=payload.name or api.name, description=description, served_by=servers,
            reason=payload.reason, by=caller_of(request).actor,
        )  # fmt: skip
    return _answer_with(response, identifier)


def _clients(ids: list[str]) -> list[Client]:
    found = list(Client.objects.filter(client_id__in=ids).exclude(status=Client.Status.CLOSED))
    if set(ids) != {client.client_id for client in found}:
        raise wrong_field("served_by", "unknown_client")
    return found


def _api_of(identifier: str) -> Api:
    found = with_servers(Api.objects.filter(identifier=identifier)).first()
    if found is None:
        raise Problem(ApiCode.NOT_FOUND)
    return found


def _answer_with(response: HttpResponse, identifier: str) -> TeamApi:
    shown = shown_api(_api_of(identifier))
    response["ETag"] = f'"{shown.etag}"'
    return shown
