"""Acts of the Security team's programs on clients: those of the pages, each with a reason (API M-13)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Schema, Status
from pydantic import ConfigDict, Field

from clients.acts import lifecycle, proposals
from clients.acts.four_eyes import NeedsColleague
from clients.models import Client, Key, Proposal, Scope, Secret
from clients.refusal_codes import Code
from portal.api.bearer import caller_of
from portal.api.if_match import require_current, require_tag
from portal.api.lists import wrong_field
from portal.api.openapi import refusals
from portal.api.problems import Problem
from portal.api.representations import Credential, credentials, tag_of
from portal.api.team.bearers import ClientsWrite
from portal.api.team.client_representation import TeamClient, shown_client
from portal.api.team.clients import answer_with, client_of, router
from portal.api.team.proposals import Proposed, shown_proposal
from portal.api.texts import Reason, Words
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.acts import invalidation
from tokens.acts.incident import revoke
from tokens.acts.leaks import Leak
from tokens.acts.refusal_codes import TokenCode

SCOPE_FIELDS: tuple[str, ...] = ("scopes", "default_scopes")
OF_A_CHANGE = (ApiCode.NOT_FOUND, ApiCode.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE)
WRITE = ClientsWrite()


class Because(Schema):
    """Why, for the change log, and words to the contacts, for their mail."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"reason": "Case 4711", "message": "Call us before Friday."}}
    )

    reason: Reason
    message: Words = ""


class ClientChange(Schema):
    """Settings, or scopes. What is left out stays as it is; null is the site's limit."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"rate_limit": 600, "reason": "Case 4711"}})

    token_lifetime: Annotated[int, Field(ge=60, le=86_400)] | None = None
    rate_limit: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    issuer_audience_only: bool = False
    may_request_tokens: bool = True
    self_service: Client.SelfService = Client.SelfService.ON
    scopes: list[str] = Field(default=[], max_length=500, description="All that the client is to have")
    default_scopes: list[str] = Field(default=[], max_length=500, description="Those of them that it gets unasked")
    reason: Reason

    def given(self) -> dict[str, Any]:
        """Return what is to change."""
        return self.dict(exclude_unset=True, exclude={"reason"})


@router.patch(
    "clients/{uuid:uid}",
    auth=WRITE,
    response={200: TeamClient, 202: Proposed},
    url_name="client",
    operation_id="changeClient",
    openapi_extra=refusals(*OF_A_CHANGE, Code.CLIENT_CLOSED, Code.PROPOSED_ALREADY, body=True),
)
def change_client(
    request: HttpRequest, response: HttpResponse, uid: UUID, payload: ClientChange
) -> TeamClient | Status[Proposed]:
    """Change settings, or scopes. A scope more is a proposal that a colleague confirms: 202. Needs If-Match."""
    given = payload.given()
    of_scopes: dict[str, list[str]] = {name: given.pop(name) for name in SCOPE_FIELDS if name in given}
    if of_scopes and given:
        raise wrong_field("scopes", "beside_settings")
    with transaction.atomic():
        client = _locked(request, uid)
        if of_scopes:
            proposal = _change_scopes(request, client, of_scopes, payload.reason)
            if proposal is not None:
                return Status(202, shown_proposal(proposal))
        else:
            by, now = caller_of(request).actor, prepared(request).now
            lifecycle.change_settings(client=client, settings=given, reason=payload.reason, by=by, now=now)
    return answer_with(response, client_of(uid))


def _change_scopes(request: HttpRequest, client: Client, given: dict[str, list[str]], reason: str) -> Proposal | None:
    """Take scopes away, or return the proposal to give some. Raises Problem."""
    held = dict(client.client_scopes.filter(scope__retired_at=None).values_list("scope__name", "is_default"))
    names = given.get("scopes", list(held))
    defaults = given.get("default_scopes", [name for name in names if held.get(name)])
    known = Scope.objects.offered(client.scopes.all()).filter(name__in=[*names, *defaults])
    offered = {scope.name: scope for scope in known}
    for field, wanted, allowed in (("scopes", names, offered.keys()), ("default_scopes", defaults, set(names))):
        if not set(wanted) <= set(allowed):
            raise wrong_field(field, "unknown_scope")
    by, now = caller_of(request).actor, prepared(request).now
    try:
        lifecycle.change_scopes(
            client=client, scopes=[offered[name] for name in names], defaults=[offered[name] for name in defaults],
            reason=reason, by=by, now=now,
        )  # fmt: skip
    except NeedsColleague:
        content = {"scopes": sorted(set(names)), "default_scopes": sorted(set(defaults))}
        kind = Proposal.Kind.SCOPES_GIVEN
        return proposals.propose(kind=kind, about=client, content=content, reason=reason, by=by, now=now)
    return None


@router.post(
    "clients/{uuid:uid}/suspend",
    auth=WRITE,
    response=TeamClient,
    url_name="suspend_client",
    operation_id="suspendClient",
    openapi_extra=refusals(*OF_A_CHANGE, Code.CLIENT_CHANGED, body=True),
)
def suspend(request: HttpRequest, response: HttpResponse, uid: UUID, payload: Because) -> TeamClient:
    """Suspend a client: nothing of it works, and its tokens stay invalid. Needs If-Match."""
    with transaction.atomic():
        lifecycle.suspend(client=_locked(request, uid), **_told(request, payload))
    return answer_with(response, client_of(uid))


@router.post(
    "clients/{uuid:uid}/reactivate",
    auth=WRITE,
    response=TeamClient,
    url_name="reactivate_client",
    operation_id="reactivateClient",
    openapi_extra=refusals(*OF_A_CHANGE, Code.CLIENT_CHANGED, body=True),
)
def reactivate(request: HttpRequest, response: HttpResponse, uid: UUID, payload: Because) -> TeamClient:
    """Reactivate a suspended client. Needs If-Match."""
    with transaction.atomic():
        lifecycle.reactivate(client=_locked(request, uid), **_told(request, payload))
    return answer_with(response, client_of(uid))


@router.post(
    "clients/{uuid:uid}/close",
    auth=WRITE,
    response=TeamClient,
    url_name="close_client",
    operation_id="closeClient",
    openapi_extra=refusals(*OF_A_CHANGE, Code.CLIENT_CHANGED, body=True),
)
def close(request: HttpRequest, response: HttpResponse, uid: UUID, payload: Because) -> TeamClient:
    """Close a client for good, with its keys, secrets and tokens. Needs If-Match."""
    with transaction.atomic():
        lifecycle.close(client=_locked(request, uid), **_told(request, payload))
    return answer_with(response, client_of(uid))


@router.post(
    "clients/{uuid:uid}/tokens/invalidate",
    auth=WRITE,
    response={204: None},
    url_name="invalidate_client_tokens",
    operation_id="invalidateClientTokens",
    openapi_extra=refusals(*OF_A_CHANGE, body=True),
)
def invalidate(request: HttpRequest, uid: UUID, payload: Because) -> Status[None]:
    """Invalidate all tokens of a client. Needs If-Match."""
    with transaction.atomic():
        invalidation.invalidate_all(client=_locked(request, uid), **_told(request, payload))
    return Status(204, None)


@router.post(
    "clients/{uuid:uid}/keys/{uuid:key}/retire",
    auth=WRITE,
    response=Credential,
    url_name="retire_client_key",
    operation_id="retireClientKey",
    openapi_extra=refusals(*OF_A_CHANGE, TokenCode.LEAKED_KEY_STOPPED_ALREADY, body=True),
)
def retire_key(request: HttpRequest, response: HttpResponse, uid: UUID, key: UUID, payload: Because) -> Credential:
    """End a key at once with all tokens of the client, also if it is the only way in. Needs If-Match."""
    return _end(request, response, Key.objects.filter(client__uid=uid, uid=key).first(), payload)


@router.post(
    "clients/{uuid:uid}/secrets/{uuid:secret}/end",
    auth=WRITE,
    response=Credential,
    url_name="end_client_secret",
    operation_id="endClientSecret",
    openapi_extra=refusals(*OF_A_CHANGE, TokenCode.LEAKED_SECRET_STOPPED_ALREADY, body=True),
)
def end_secret(request: HttpRequest, response: HttpResponse, uid: UUID, secret: UUID, payload: Because) -> Credential:
    """End a secret at once with all tokens of the client, also if it is the only way in. Needs If-Match."""
    return _end(request, response, Secret.objects.filter(client__uid=uid, uid=secret).first(), payload)


def _end(request: HttpRequest, response: HttpResponse, row: Key | Secret | None, payload: Because) -> Credential:
    """End a credential by the act of the team's page. Raises Problem and Stale."""
    if row is None:
        raise Problem(ApiCode.NOT_FOUND)
    with transaction.atomic():
        Client.objects.locked(row.client_id)
        row.refresh_from_db()
        require_current(request, row)
        revoke(leak=Leak(row), **_told(request, payload))
    row.refresh_from_db()
    response["ETag"] = f'"{tag_of(row)}"'
    return credentials(row.client, [row], prepared(request).now)[0]


def _told(request: HttpRequest, payload: Because) -> dict[str, Any]:
    by, now = caller_of(request).actor, prepared(request).now
    return {"reason": payload.reason, "message": payload.message, "by": by, "now": now}


def _locked(request: HttpRequest, uid: UUID) -> Client:
    """Return the client, locked, as If-Match says it is. Raises Problem and Stale."""
    found = Client.objects.filter(uid=uid).values_list("pk", flat=True).first()
    if found is None:
        raise Problem(ApiCode.NOT_FOUND)
    Client.objects.locked(found)
    client = client_of(uid)
    require_tag(request, shown_client(client).etag)
    return client
