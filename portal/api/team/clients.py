"""Clients for the Security team's programs: the list with the filters of its page, one, its keys, its secrets."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from clients.models import Client, Key, Secret
from clients.outdated_ways import OutdatedWay
from portal.api.lists import (
    NumberedPage,
    Page,
    cut,
    newest_first,
    refuse_credential,
    refuse_unknown_filters,
    wrong_field,
)
from portal.api.openapi import refusals
from portal.api.problems import Problem
from portal.api.representations import credentials
from portal.api.team.bearers import ClientsRead
from portal.api.team.client_representation import (
    ClientStatus,
    Credentials,
    TeamClient,
    TeamClients,
    loaded,
    shown_client,
)
from portal.explanations.api_codes import ApiCode
from portal.search import client_search
from portal.search.staff_search import MAX_LENGTH
from portal.web.http_request import prepared

router = Router(auth=ClientsRead(), tags=["clients"])
Days = Annotated[int, Field(ge=1, le=3650)]
Method = Literal["secret", "key", "both", "key_only", "secret_only", "none"]
Signed = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"
]  # fmt: skip


class ClientFilters(Page):
    """Filters with the names that they have in the addresses of the pages."""

    q: Annotated[str, Field(max_length=MAX_LENGTH)] | None = Field(
        default=None,
        description="Part of a name, client id, organisation or contact; a key id, thumbprint or serial number",
    )
    sort: Literal["name", "newest", "most_refused"] = Field(
        default="name", description="most_refused: only clients refused in the last 24 hours, most refused first"
    )
    state: Literal[ClientStatus, "unused", "suspended_unused"] | None = Field(
        default=None,
        description="unused: to be suspended because nobody uses it; suspended_unused: suspended so",
    )
    organisation: Annotated[str, Field(max_length=150)] | None = None
    scope: Annotated[str, Field(max_length=100)] | None = None
    method: Method | None = Field(default=None, description="With what it authenticates")
    algorithm: Annotated[str, Field(max_length=60)] | None = Field(
        default=None, description="Of a key, such as RSA or EC P-256; sha1: named by a certificate's SHA-1"
    )
    signed: Signed | None = Field(
        default=None, description="Of an assertion that was accepted in the last 30 days, signed by a key of its own"
    )
    expiring: Days | None = Field(default=None, description="A key, secret or trust expires within so many days")
    unused: Days | None = Field(default=None, description="Not used for so many days")
    secret_age: Days | None = Field(default=None, description="Authenticates with a secret older than so many days")
    contacts: Literal["unreachable", "unreachable_owners"] | None = Field(
        default=None, description="Mail to one of its contacts, or to each of its owners, comes back"
    )
    outdated: OutdatedWay | None = Field(default=None, description="Used in the last 30 days")
    refused: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        default=None, description="At least so many of its HTTP requests were refused in 7 days"
    )
    recertification: Literal["due", "late"] | None = Field(
        default=None, description="Its owners are asked whether it is still needed, or did not confirm it in time"
    )


@router.get(
    "clients",
    response=TeamClients,
    url_name="clients",
    operation_id="listClients",
    openapi_extra=refusals(ApiCode.FIELDS_INVALID),
)
def list_clients(request: HttpRequest, filters: Query[ClientFilters]) -> TeamClients:
    """Return the clients that match all filters."""
    refuse_unknown_filters(request, ClientFilters)
    refuse_credential("q", filters.q)
    found = loaded(client_search.matching(filters.dict(), prepared(request).now))
    if filters.cursor:
        last = client_search.named(filters.cursor)
        if last is None:
            raise wrong_field("cursor", "unknown")
        found = client_search.after(found, last, sort=filters.sort)
    rows, cursor = cut(list(found[: filters.limit + 1]), filters, lambda client: str(client.uid))
    return TeamClients(items=[shown_client(client) for client in rows], next=cursor)


@router.get(
    "clients/{uuid:uid}",
    response=TeamClient,
    url_name="client",
    operation_id="getClient",
    openapi_extra=refusals(ApiCode.NOT_FOUND, ApiCode.FIELDS_INVALID),
)
def get_client(request: HttpRequest, response: HttpResponse, uid: UUID) -> TeamClient:
    """Return one client, also a closed one."""
    return answer_with(response, client_of(uid))


@router.get(
    "clients/{uuid:uid}/keys",
    response=Credentials,
    url_name="client_keys",
    operation_id="listClientKeys",
    openapi_extra=refusals(ApiCode.NOT_FOUND, ApiCode.FIELDS_INVALID),
)
def list_keys(request: HttpRequest, uid: UUID, page: Query[NumberedPage]) -> Credentials:
    """Return the keys of a client, also those that have ended."""
    refuse_unknown_filters(request, NumberedPage)
    client = client_of(uid)
    rows: list[Key | Secret]
    rows, cursor = newest_first(client.keys.all(), page)
    return Credentials(items=credentials(client, rows, prepared(request).now), next=cursor)


@router.get(
    "clients/{uuid:uid}/secrets",
    response=Credentials,
    url_name="client_secrets",
    operation_id="listClientSecrets",
    openapi_extra=refusals(ApiCode.NOT_FOUND, ApiCode.FIELDS_INVALID),
)
def list_secrets(request: HttpRequest, uid: UUID, page: Query[NumberedPage]) -> Credentials:
    """Return the secrets of a client by their last characters, also those that have ended; no secret itself."""
    refuse_unknown_filters(request, NumberedPage)
    client = client_of(uid)
    rows: list[Key | Secret]
    rows, cursor = newest_first(client.secrets.all(), page)
    return Credentials(items=credentials(client, rows, prepared(request).now), next=cursor)


def client_of(uid: UUID) -> Client:
    """Return any client. Raises Problem."""
    found = loaded(Client.objects.filter(uid=uid)).first()
    if found is None:
        raise Problem(ApiCode.NOT_FOUND)
    return found


def answer_with(response: HttpResponse, client: Client) -> TeamClient:
    """Return the client as it is shown, with its ETag."""
    shown = shown_client(client)
    response["ETag"] = f'"{shown.etag}"'
    return shown
