"""Scopes of the catalogue for the Security team's programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from clients.acts import catalogue, proposals
from clients.acts.four_eyes import NeedsColleague
from clients.acts.scopes import deprecation
from clients.models import Api, Proposal, Scope
from clients.models.catalogue import SCOPE_NAME
from clients.refusal_codes import Code
from portal.api.bearer import caller_of
from portal.api.if_match import require_tag
from portal.api.lists import NumberedPage, newest_first, refuse_unknown_filters, wrong_field
from portal.api.openapi import refusals
from portal.api.problems import Problem
from portal.api.team.bearers import CatalogueRead, CatalogueWrite
from portal.api.team.catalogue_representation import TeamScope, TeamScopes, shown_scope
from portal.api.team.proposals import Proposed, shown_proposal
from portal.api.texts import Descriptions, Reason, in_english
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared

NOTHING: Mapping[str, str] = {}  # beyond what the kind says
WRITE = CatalogueWrite()
router = Router(auth=CatalogueRead(), tags=["catalogue"])
OF_A_CHANGE = (
    ApiCode.NOT_FOUND, ApiCode.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE, Code.BUILT_IN, Code.PROPOSED_ALREADY
)  # fmt: skip


class ScopeFilters(NumberedPage):
    """Scopes of an API, or with a name."""

    api: Annotated[str, Field(max_length=60)] | None = Field(default=None, description="Identifier of the API")
    name: Annotated[str, Field(max_length=100)] | None = None


class NewScope(Schema):
    """A scope to add; its name cannot change later."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "parcel.read",
                "api": "parcels",
                "description": {"en": "Read parcels"},
                "sensitive": True,
                "reason": "Case 4711",
            }
        },
    )

    name: Annotated[str, StringConstraints(pattern=SCOPE_NAME, max_length=100)]
    api: Annotated[str, Field(max_length=60)]
    description: Descriptions
    sensitive: bool = False
    needs_legal_basis: bool = False
    reason: Reason


class ScopeChange(Schema):
    """A description, what an approval needs; to drop that two people approve is a proposal, by itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"sensitive": True, "reason": "Case 4711"}})

    description: Descriptions | None = None
    sensitive: bool | None = None
    needs_legal_basis: bool | None = None
    reason: Reason


class Retirement(Schema):
    """Why the scope ends, or does not."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "Case 4711"}})

    reason: Reason


class Deprecation(Schema):
    """When the scope ends, why, and the scope to ask for instead."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "retires_at": "2027-06-01T00:00:00+02:00",
                "successor": "address.read.v2",
                "reason": "Version 2 replaces it",
            }
        },
    )

    retires_at: AwareDatetime
    successor: Annotated[str, StringConstraints(max_length=100)] | None = None
    reason: Reason = Field(description="Its holders read it in their mail")


@router.get(
    "scopes",
    response=TeamScopes,
    url_name="scopes",
    operation_id="listScopes",
    openapi_extra=refusals(ApiCode.FIELDS_INVALID),
)
def list_scopes(request: HttpRequest, filters: Query[ScopeFilters]) -> TeamScopes:
    """Return the scopes, also retired ones, newest first."""
    refuse_unknown_filters(request, ScopeFilters)
    given = {"api__identifier": filters.api, "name": filters.name}
    found = Scope.objects.filter(**{name: value for name, value in given.items() if value}).select_related(
        "api", "successor"
    )
    rows, cursor = newest_first(found, filters)
    return TeamScopes(items=[shown_scope(row) for row in rows], next=cursor)


@router.post(
    "scopes",
    auth=WRITE,
    response={201: TeamScope},
    url_name="scopes",
    operation_id="createScope",
    openapi_extra=refusals(Code.SCOPE_EXISTS, Code.NAME_RESERVED, body=True),
)
def create_scope(request: HttpRequest, response: HttpResponse, payload: NewScope) -> Status[TeamScope]:
    """Add a scope to an API."""
    api = Api.objects.filter(identifier=payload.api).first()
    if api is None or api.is_built_in:
        raise wrong_field("api", "unknown_api")
    scope = catalogue.create_scope(
        name=payload.name, api=api, description=in_english(payload.description), sensitive=payload.sensitive,
        needs_legal_basis=payload.needs_legal_basis, reason=payload.reason, by=caller_of(request).actor,
    )  # fmt: skip
    return Status(201, _answer_with(response, scope))


@router.get(
    "scopes/{int:scope_id}",
    response=TeamScope,
    url_name="scope",
    operation_id="getScope",
    openapi_extra=refusals(ApiCode.NOT_FOUND, ApiCode.FIELDS_INVALID),
)
def get_scope(request: HttpRequest, response: HttpResponse, scope_id: int) -> TeamScope:
    """Return one scope."""
    return _answer_with(response, _scope_of(scope_id))


@router.patch(
    "scopes/{int:scope_id}",
    auth=WRITE,
    response={200: TeamScope, 202: Proposed},
    url_name="scope",
    operation_id="changeScope",
    openapi_extra=refusals(*OF_A_CHANGE, body=True),
)
def change_scope(
    request: HttpRequest, response: HttpResponse, scope_id: int, payload: ScopeChange
) -> TeamScope | Status[Proposed]:
    """Change a scope. To drop its second approval is a proposal that a colleague confirms: 202. Needs If-Match."""
    with transaction.atomic():
        scope = _locked(request, scope_id)
        if scope.sensitive and payload.sensitive is False and not scope.is_built_in:
            for name in ("description", "needs_legal_basis"):
                if getattr(payload, name) is not None:
                    raise wrong_field(name, "beside_sensitive")
            return Status(202, _proposed(request, Proposal.Kind.SCOPE_EASED, scope, payload.reason))
        description = scope.description if payload.description is None else in_english(payload.description)
        catalogue.change_scope(
            scope=scope, description=description, sensitive=bool(payload.sensitive) or scope.sensitive,
            needs_legal_basis=payload.needs_legal_basis, reason=payload.reason, by=caller_of(request).actor,
        )  # fmt: skip
    return _answer_with(response, scope)


@router.post(
    "scopes/{int:scope_id}/retire",
    auth=WRITE,
    response={200: TeamScope, 202: Proposed},
    url_name="retire_scope",
    operation_id="retireScope",
    openapi_extra=refusals(*OF_A_CHANGE, Code.SCOPE_RETIRED_ALREADY, body=True),
)
def retire_scope(
    request: HttpRequest, response: HttpResponse, scope_id: int, payload: Retirement
) -> TeamScope | Status[Proposed]:
    """Retire a scope. If clients hold it, that is a proposal that a colleague confirms: 202. Needs If-Match."""
    by, now = caller_of(request).actor, prepared(request).now
    with transaction.atomic():
        scope = _locked(request, scope_id)
        try:
            catalogue.retire_scope(scope=scope, reason=payload.reason, by=by, now=now)
        except NeedsColleague:
            return Status(202, _proposed(request, Proposal.Kind.SCOPE_RETIRED, scope, payload.reason))
    return _answer_with(response, scope)


@router.post(
    "scopes/{int:scope_id}/deprecate",
    auth=WRITE,
    response={200: TeamScope, 202: Proposed},
    url_name="deprecate_scope",
    operation_id="deprecateScope",
    openapi_extra=refusals(
        *OF_A_CHANGE, Code.SCOPE_RETIRED_ALREADY, Code.SCOPE_DEPRECATED_ALREADY, Code.SCOPE_ENDS_TOO_SOON,
        Code.SUCCESSOR_NOT_OFFERED, body=True,
    ),
)  # fmt: skip
def deprecate_scope(
    request: HttpRequest, response: HttpResponse, scope_id: int, payload: Deprecation
) -> TeamScope | Status[Proposed]:
    """Announce that a scope ends on a date. If clients hold it, that is a proposal: 202. Needs If-Match."""
    by, now = caller_of(request).actor, prepared(request).now
    with transaction.atomic():
        scope = _locked(request, scope_id)
        successor = Scope.objects.filter(name=payload.successor).first() if payload.successor else None
        if payload.successor and successor is None:
            raise wrong_field("successor", "unknown_scope")
        plan = deprecation.Plan(payload.retires_at, successor, payload.reason)
        try:
            deprecation.deprecate(scope=scope, plan=plan, by=by, now=now)
        except NeedsColleague:
            return Status(202, _proposed(request, Proposal.Kind.SCOPE_DEPRECATED, scope, plan.reason, plan.content))
    return _answer_with(response, scope)


@router.post(
    "scopes/{int:scope_id}/withdraw-deprecation",
    auth=WRITE,
    response=TeamScope,
    url_name="withdraw_deprecation",
    operation_id="withdrawDeprecation",
    openapi_extra=refusals(*OF_A_CHANGE, Code.SCOPE_NOT_DEPRECATED, body=True),
)
def withdraw_deprecation(request: HttpRequest, response: HttpResponse, scope_id: int, payload: Retirement) -> TeamScope:
    """Withdraw the announced end of a scope, before its date. Needs If-Match."""
    by, now = caller_of(request).actor, prepared(request).now
    with transaction.atomic():
        scope = _locked(request, scope_id)
        deprecation.withdraw(scope=scope, reason=payload.reason, by=by, now=now)
    return _answer_with(response, scope)


def _proposed(
    request: HttpRequest, kind: Proposal.Kind, scope: Scope, reason: str, content: Mapping[str, str] = NOTHING
) -> Proposed:
    by, now = caller_of(request).actor, prepared(request).now
    return shown_proposal(proposals.propose(kind=kind, about=scope, content=content, reason=reason, by=by, now=now))


def _scope_of(scope_id: int) -> Scope:
    found = Scope.objects.select_related("api", "successor").filter(pk=scope_id).first() if scope_id < 2**63 else None
    if found is None:
        raise Problem(ApiCode.NOT_FOUND)
    return found


def _locked(request: HttpRequest, scope_id: int) -> Scope:
    """Return the scope, locked, as If-Match says it is. Raises Problem and Stale."""
    Scope.objects.select_for_update(no_key=True).filter(pk=_scope_of(scope_id).pk).first()
    scope = _scope_of(scope_id)
    require_tag(request, shown_scope(scope).etag)
    return scope


def _answer_with(response: HttpResponse, scope: Scope) -> TeamScope:
    shown = shown_scope(_scope_of(scope.pk))
    response["ETag"] = f'"{shown.etag}"'
    return shown
