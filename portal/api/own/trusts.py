"""Trusts of the client itself (API M-9, M-10): add one with a token that it would accept; name, extend, remove it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field, JsonValue

from clients.acts.credentials import labels
from clients.acts.credentials import trusts as acts
from clients.models import Client, Issuer, Trust
from clients.refusal_codes import Code
from portal.api.bearer import Caller, SelfBearer, caller_of
from portal.api.if_match import require_current
from portal.api.openapi import refusals
from portal.api.own.keys import OF_A_CHANGE, OF_ONE, End, Label
from portal.api.problems import Problem, field_error
from portal.api.representations import Credential, credentials, tag_of
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.acts import dry_run
from tokens.acts.federation import trusts

MAX_SAMPLE = 32 * 1024  # characters
router = Router(auth=SelfBearer(), tags=["self"])
ADD = refusals(
    ApiCode.PROOF_MISSING, Code.SELF_SERVICE_OFF, Code.ISSUER_NOT_ENABLED, Code.TOO_MANY_TRUSTS, Code.TRUST_EXISTS,
    Code.TRUST_SUBJECT, Code.TRUST_WILDCARD, Code.TRUST_CLAIMS_TOO_MANY, Code.TRUST_CLAIM_NAME,
    Code.TRUST_CLAIM_CHANGES, Code.TRUST_CLAIM_IN_ARRAY, Code.TRUST_CLAIM_VALUE, body=True,
)  # fmt: skip
Text = Annotated[str, Field(max_length=512)]


class NewTrust(Schema):
    """An issuer that the Security team has registered, an exact subject, claims that must be equal, and a sample."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "issuer": "GitHub Actions",
                "subject": "repo:leiestroom/meters:ref:refs/heads/main",
                "claims": {"repository_id": "74", "repository_owner_id": "65"},
                "label": "Deployment",
                "sample": "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl",
            }
        },
    )

    issuer: Text = Field(description="Its name or its address")
    subject: Text
    claims: dict[str, JsonValue] = Field(default={}, description="By name, or by JSON Pointer (RFC 6901)")
    label: Label = ""
    sample: str | None = Field(
        default=None, max_length=MAX_SAMPLE, description="Token of the issuer that this trust would accept now"
    )


class TrustChange(Schema):
    """Another label."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"label": "Deployment"}})

    label: Label


@router.post("self/trusts", response={201: Credential}, url_name="trusts", operation_id="addTrust", openapi_extra=ADD)
def add_trust(request: HttpRequest, response: HttpResponse, payload: NewTrust) -> Status[Credential]:
    """Let tokens of an issuer authenticate the client, as the sample does. All contacts are mailed."""
    caller, now = caller_of(request), prepared(request).now
    issuer = Issuer.objects.filter(Q(name=payload.issuer) | Q(url=payload.issuer)).first()
    if issuer is None:
        raise Problem(ApiCode.FIELDS_INVALID, errors=[field_error(["issuer"], "no_such_issuer")])
    acts.check(subject=payload.subject, claims=payload.claims)
    with transaction.atomic():
        row = acts.add(
            client=caller.client, issuer=issuer, subject=payload.subject, claims=payload.claims, label=payload.label,
            by=caller.actor, now=now,
        )  # fmt: skip
        _require_proof(caller, issuer, payload, request)
    return Status(201, _shown(request, response, row))


@router.get(
    "self/trusts/{uuid:uid}",
    response=Credential,
    url_name="trust",
    operation_id="getTrust",
    openapi_extra=refusals(*OF_ONE),
)
def get_trust(request: HttpRequest, response: HttpResponse, uid: UUID) -> Credential:
    """Return one trust, also one that has ended."""
    return _shown(request, response, _own(caller_of(request), uid))


@router.patch(
    "self/trusts/{uuid:uid}",
    response=Credential,
    url_name="trust",
    operation_id="changeTrust",
    openapi_extra=refusals(*OF_A_CHANGE, body=True),
)
def change_trust(request: HttpRequest, response: HttpResponse, uid: UUID, payload: TrustChange) -> Credential:
    """Change the label. Needs If-Match; another subject or claim is a new trust."""
    caller = caller_of(request)
    with transaction.atomic():
        row = _locked(caller, request, uid)
        labels.change(credential=row, label=payload.label, by=caller.actor, now=prepared(request).now)
    return _shown(request, response, row)


@router.post(
    "self/trusts/{uuid:uid}/extend",
    response=Credential,
    url_name="trust_extend",
    operation_id="extendTrust",
    openapi_extra=refusals(
        *OF_A_CHANGE, Code.SELF_SERVICE_OFF, Code.TRUST_REMOVED_ALREADY, Code.TRUST_NOT_NEAR_ITS_END
    ),
)
def extend_trust(request: HttpRequest, response: HttpResponse, uid: UUID) -> Credential:
    """Give a trust near its end another one, as if it were added now. Needs If-Match. All contacts are mailed."""
    caller, now = caller_of(request), prepared(request).now
    with transaction.atomic():
        row = acts.extend(trust=_locked(caller, request, uid), by=caller.actor, now=now)
    return _shown(request, response, row)


@router.delete(
    "self/trusts/{uuid:uid}",
    response={204: None},
    url_name="trust",
    operation_id="removeTrust",
    openapi_extra=refusals(*OF_A_CHANGE, ApiCode.LAST_WAY_IN, Code.TRUST_REMOVED_ALREADY),
)
def remove_trust(request: HttpRequest, uid: UUID, end: Query[End]) -> Status[None]:
    """Remove a trust with the tokens that it got, now or after an overlap. Needs If-Match."""
    caller, overlap = caller_of(request), timedelta(seconds=end.overlap)
    with transaction.atomic():
        row = _locked(caller, request, uid)
        trusts.remove(trust=row, overlap=overlap, by=caller.actor, now=prepared(request).now)
    return Status(204, None)


def _require_proof(caller: Caller, issuer: Issuer, payload: NewTrust, request: HttpRequest) -> None:
    """Raise Problem without a sample that the trust would accept now; then the trust is not added."""
    if payload.sample is None:
        raise Problem(ApiCode.PROOF_MISSING)
    read = dry_run.of_sample(
        payload.sample, client=caller.client, issuer=issuer, subject=payload.subject, claims=payload.claims,
        now=prepared(request).now,
    )  # fmt: skip
    if read.findings:
        raise Problem(ApiCode.PROOF_MISSING, findings=[str(finding.rule) for finding in read.findings])


def _own(caller: Caller, uid: UUID) -> Trust:
    row = caller.client.trusts.select_related("issuer").filter(uid=uid).first()
    if row is None:
        raise Problem(ApiCode.NOT_FOUND)
    return row


def _locked(caller: Caller, request: HttpRequest, uid: UUID) -> Trust:
    """Return the trust, its client locked, as If-Match says it is. Raises Problem and Stale."""
    Client.objects.locked(caller.client.pk)
    row = _own(caller, uid)
    require_current(request, row)
    return row


def _shown(request: HttpRequest, response: HttpResponse, row: Trust) -> Credential:
    response["ETag"] = f'"{tag_of(row)}"'
    return credentials(row.client, [row], prepared(request).now)[0]
