"""Issuers for the Security team's programs: they read, and propose what a colleague confirms (API M-13)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field, JsonValue

from clients.acts import proposals
from clients.acts.federation import issuers as acts
from clients.models import Issuer, Proposal
from clients.models.federation import MAX_LIFETIME, MIN_LIFETIME
from clients.refusal_codes import Code, FetchCode
from portal.api.bearer import caller_of
from portal.api.if_match import require_tag
from portal.api.lists import NumberedPage, newest_first, refuse_unknown_filters
from portal.api.openapi import refusals
from portal.api.problems import Problem
from portal.api.team.bearers import CatalogueRead, CatalogueWrite
from portal.api.team.proposals import Proposed, shown_proposal
from portal.api.texts import Reason
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared

router = Router(auth=CatalogueWrite(), tags=["issuers"])
OF_A_CHANGE = (ApiCode.NOT_FOUND, ApiCode.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE, Code.PROPOSED_ALREADY)
Audience = Annotated[str, Field(max_length=512, description="Empty: this site")]
Lifetime = Annotated[
    int, Field(ge=MIN_LIFETIME, le=MAX_LIFETIME, description="Longest lifetime of its tokens, seconds")
]
Jwks = Annotated[dict[str, JsonValue] | None, Field(description="Its keys, for an issuer without discovery")]
EXAMPLE: dict[str, JsonValue] = {
    "id": "5b6d3f0a-2f43-4b53-8f3e-7e0f2b0f6c11",
    "name": "GitHub Actions",
    "issuer": "https://token.actions.githubusercontent.com",
    "audience": "",
    "max_lifetime": 3600,
    "enabled": True,
    "kids": ["cc413527"],
    "keys_fetched_at": "2026-12-01T09:30:00Z",
    "problem": "",
    "trusted_by": 3,
    "etag": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}


class TeamIssuer(Schema):
    """Issuer whose JWTs clients may trust."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: UUID
    name: str
    issuer: str
    audience: Audience
    max_lifetime: int
    enabled: bool
    kids: list[str] = Field(description="Names of the keys in use")
    keys_fetched_at: datetime | None = Field(description="The last good answer")
    problem: str = Field(description="Code of the last failure; empty for none")
    trusted_by: int = Field(description="Clients")
    etag: str = Field(description="For If-Match")


class TeamIssuers(Schema):
    """Page of issuers, newest first."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [EXAMPLE], "next": None}})

    items: list[TeamIssuer]
    next: str | None


class NewIssuer(Schema):
    """Issuer to be added; a colleague enables it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"name": "GitLab", "issuer": "https://gitlab.example.org", "reason": "Case 4711"}
        },
    )

    name: Annotated[str, Field(min_length=1, max_length=60)]
    issuer: Annotated[str, Field(max_length=512, description="As `iss` in its tokens, to the character")]
    audience: Audience = ""
    max_lifetime: Lifetime = 3600
    jwks: Jwks = None
    reason: Reason


class IssuerChange(Schema):
    """Conditions of an issuer. What is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"max_lifetime": 7200, "reason": "Case 4711"}}
    )

    audience: Audience = ""
    max_lifetime: Lifetime = 3600
    jwks: Jwks = None
    reason: Reason


class Why(Schema):
    """Reason, for the change log."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "Case 4711"}})

    reason: Reason


@router.get(
    "issuers",
    auth=CatalogueRead(),
    response=TeamIssuers,
    url_name="issuers",
    operation_id="listIssuers",
    openapi_extra=refusals(ApiCode.FIELDS_INVALID),
)
def list_issuers(request: HttpRequest, page: Query[NumberedPage]) -> TeamIssuers:
    """Return the issuers, also disabled ones."""
    refuse_unknown_filters(request, NumberedPage)
    rows, cursor = newest_first(Issuer.objects.all(), page)
    return TeamIssuers(items=[_shown(row, prepared(request).now) for row in rows], next=cursor)


def _shown(row: Issuer, now: datetime) -> TeamIssuer:
    return TeamIssuer(
        id=row.uid, name=row.name, issuer=row.url, audience=row.audience, max_lifetime=row.max_lifetime,
        enabled=row.is_enabled, kids=[key["kid"] for key in row.keys], keys_fetched_at=row.keys_fetched_at,
        problem=row.keys_problem, trusted_by=acts.trusting(row, now).count(), etag=row.content_hash,
    )  # fmt: skip


@router.post(
    "issuers",
    response={202: Proposed},
    url_name="issuers",
    operation_id="addIssuer",
    openapi_extra=refusals(
        Code.ISSUER_EXISTS, Code.ISSUER_IS_THIS_SITE, Code.AUDIENCE_MALFORMED, *FetchCode, body=True
    ),
)
def add_issuer(request: HttpRequest, payload: NewIssuer) -> Status[Proposed]:
    """Add an issuer, disabled, and propose to enable it. Its keys can be looked at before a colleague confirms."""
    by, now = caller_of(request).actor, prepared(request).now
    with transaction.atomic():
        row = acts.create(
            name=payload.name, url=payload.issuer, jwks=payload.jwks, audience=payload.audience,
            max_lifetime=payload.max_lifetime, reason=payload.reason, by=by, now=now,
        )  # fmt: skip
        return _proposed(request, Proposal.Kind.ISSUER_ENABLED, row, payload.reason)


def _proposed(request: HttpRequest, kind: Proposal.Kind, row: Issuer, reason: str, **content: Any) -> Status[Proposed]:
    by, now = caller_of(request).actor, prepared(request).now
    made = proposals.propose(kind=kind, about=row, content=content, reason=reason, by=by, now=now)
    return Status(202, shown_proposal(made))


@router.patch(
    "issuers/{uuid:uid}",
    response={202: Proposed},
    url_name="issuer",
    operation_id="changeIssuer",
    openapi_extra=refusals(*OF_A_CHANGE, Code.ISSUER_UNCHANGED, Code.AUDIENCE_MALFORMED, *FetchCode, body=True),
)
def change_issuer(request: HttpRequest, uid: UUID, payload: IssuerChange) -> Status[Proposed]:
    """Propose other conditions. Needs If-Match."""
    with transaction.atomic():
        row, given = _locked(request, uid), payload.dict(exclude_unset=True, exclude={"reason"})
        content: dict[str, Any] = {"audience": row.audience, "max_lifetime": row.max_lifetime, "jwks": None} | given
        acts.check_change(row, **content, now=prepared(request).now)
        return _proposed(request, Proposal.Kind.ISSUER_CHANGED, row, payload.reason, **content)


@router.post(
    "issuers/{uuid:uid}/enable",
    response={202: Proposed},
    url_name="enable_issuer",
    operation_id="enableIssuer",
    openapi_extra=refusals(*OF_A_CHANGE, Code.ISSUER_ENABLED_ALREADY, body=True),
)
def enable_issuer(request: HttpRequest, uid: UUID, payload: Why) -> Status[Proposed]:
    """Propose to enable an issuer. Needs If-Match."""
    with transaction.atomic():
        row = _locked(request, uid)
        if row.is_enabled:
            raise Problem(Code.ISSUER_ENABLED_ALREADY)
        return _proposed(request, Proposal.Kind.ISSUER_ENABLED, row, payload.reason)


@router.post(
    "issuers/{uuid:uid}/disable",
    response={202: Proposed},
    url_name="disable_issuer",
    operation_id="disableIssuer",
    openapi_extra=refusals(*OF_A_CHANGE, Code.ISSUER_DISABLED_ALREADY, body=True),
)
def disable_issuer(request: HttpRequest, uid: UUID, payload: Why) -> Status[Proposed]:
    """Propose to disable an issuer, which ends the tokens of its trusts. Needs If-Match."""
    with transaction.atomic():
        row = _locked(request, uid)
        if not row.is_enabled:
            raise Problem(Code.ISSUER_DISABLED_ALREADY)
        return _proposed(request, Proposal.Kind.ISSUER_DISABLED, row, payload.reason)


def _locked(request: HttpRequest, uid: UUID) -> Issuer:
    """Return the issuer in the state that the program has read. Raises Problem and Stale."""
    found = Issuer.objects.select_for_update(no_key=True).filter(uid=uid).first()
    if found is None:
        raise Problem(ApiCode.NOT_FOUND)
    require_tag(request, found.content_hash)
    return found
