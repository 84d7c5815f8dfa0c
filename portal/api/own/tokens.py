"""Tokens of the client itself, and why its HTTP requests were refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Body, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from clients.acts.credentials.ways_in import credential_of
from clients.models import Client, Key, Secret, Trust
from portal.api.bearer import SelfBearer, caller_of
from portal.api.lists import NumberedPage, refuse_unknown_filters
from portal.api.openapi import refusals
from portal.api.problems import Problem
from portal.explanations import explain
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.acts import dry_run, invalidation
from tokens.acts.refusal_codes import TokenCode
from tokens.models import JournalEntry

MAX_ASSERTION = 32 * 1024  # characters, as a whole form may be pasted
router = Router(auth=SelfBearer(), tags=["self"])
FINDING_EXAMPLE: dict[str, Any] = {
    "code": "audience",
    "title": "aud is not the address of this server",
    "fix": "Copy aud from the samples.",
    "facts": {"sent": "https://other.example", "expected": ["https://keydesk.example"]},
}


class Invalidation(Schema):
    """The key, secret or trust whose tokens end; without one all tokens of the client end."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"credential": None}})

    credential: UUID | None = None


class Finding(Schema):
    """Rule that was broken, in words and as data."""

    code: str
    title: str
    fix: str
    facts: dict[str, Any]


class RefusedRequest(Finding):
    """HTTP request of the client that the authorization server refused."""

    at: datetime
    request_id: str
    endpoint: str
    status: int
    error: str
    address: str | None


class RefusedRequests(Schema):
    """Page, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [
                    FINDING_EXAMPLE
                    | {
                        "at": "2026-11-30T04:00:00Z",
                        "request_id": "7d1c88f041b2",
                        "endpoint": "token",
                        "status": 401,
                        "error": "invalid_client",
                        "address": "192.0.2.1",
                    }
                ],
                "next": None,
            }
        }
    )

    items: list[RefusedRequest]
    next: str | None = Field(description="The cursor of the next page")


class Assertion(Schema):
    """A client assertion, or a whole form that has one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"client_assertion": "eyJhbGciOiJFUzI1Ni"}})

    client_assertion: str = Field(max_length=MAX_ASSERTION)


class Checked(Schema):
    """Answer that the token endpoint would give. Without findings the assertion would be accepted."""

    model_config = ConfigDict(json_schema_extra={"example": {"accepted": False, "findings": [FINDING_EXAMPLE]}})

    accepted: bool
    findings: list[Finding]


@router.post(
    "self/tokens/invalidate",
    response={204: None},
    url_name="invalidate",
    operation_id="invalidateTokens",
    openapi_extra=refusals(ApiCode.NOT_FOUND, TokenCode.NO_VALID_TOKENS, body=True),
)
def invalidate(request: HttpRequest, payload: Annotated[Invalidation, Body()]) -> Status[None]:
    """Invalidate all tokens of the client, this one too, or those of one credential. All contacts are mailed."""
    caller, now = caller_of(request), prepared(request).now
    if payload.credential is None:
        invalidation.invalidate_all(client=caller.client, by=caller.actor, now=now)
    else:
        credential = _credential(caller.client, payload.credential)
        invalidation.invalidate_issued_to(credential=credential, by=caller.actor, now=now)
    return Status(204, None)


@router.get(
    "self/refusals",
    response=RefusedRequests,
    url_name="refusals",
    operation_id="listRefusals",
    openapi_extra=refusals(ApiCode.FIELDS_INVALID),
)
def list_refusals(request: HttpRequest, page: Query[NumberedPage]) -> RefusedRequests:
    """Return the refused HTTP requests of the client with their codes, facts and fixes."""
    refuse_unknown_filters(request, NumberedPage)
    entries = JournalEntry.objects.of(caller_of(request).client).refusals().order_by("-pk")
    if page.cursor:
        entries = entries.filter(pk__lt=int(page.cursor))
    found = list(entries[: page.limit + 1])
    more = len(found) > page.limit
    shown = found[: page.limit]
    return RefusedRequests(items=[_refused(each) for each in shown], next=str(shown[-1].pk) if more else None)


@router.post(
    "self/assertions/check",
    response=Checked,
    url_name="check_assertion",
    operation_id="checkAssertion",
    openapi_extra=refusals(body=True),
)
def check_assertion(request: HttpRequest, payload: Assertion) -> Checked:
    """Tell all that is wrong with an assertion. Nothing is stored, and its `jti` is not spent."""
    client = caller_of(request).client
    explained = dry_run.explain(payload.client_assertion, client=client, now=prepared(request).now)
    findings = [_finding(each.code, each.facts) for each in explained.findings]
    return Checked(accepted=not findings, findings=findings)


def _credential(client: Client, uid: UUID) -> Key | Secret | Trust:
    found = credential_of(client, uid)
    if found is None:
        raise Problem(ApiCode.NOT_FOUND)
    return found


def _finding(code: str, facts: dict[str, Any]) -> Finding:
    words = explain(code, facts)
    return Finding(code=code, title=str(words.title), fix=str(words.fix), facts=facts)


def _refused(entry: JournalEntry) -> RefusedRequest:
    words = _finding(entry.rule, entry.facts)
    return RefusedRequest(
        **words.dict(), at=entry.at, request_id=entry.request_id, endpoint=entry.endpoint, status=entry.status,
        error=entry.error, address=entry.address,
    )  # fmt: skip
