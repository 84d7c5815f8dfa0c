"""Keys of the client itself: add one with a proof, activate a staged one, retire one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from clients import keymaterial
from clients.acts.credentials import keys
from clients.keymaterial import KeyRefused, PublicKey
from clients.models import Client, Key
from clients.refusal_codes import Code
from portal.api.bearer import Caller, SelfBearer, caller_of
from portal.api.if_match import require_current
from portal.api.openapi import refusals
from portal.api.problems import Problem, field_error
from portal.api.representations import Credential, credentials, tag_of
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.acts import own_keys
from tokens.acts.refusal_codes import TokenCode

MAX_OVERLAP_S = 30 * 24 * 3600
Overlap = Annotated[int, Field(ge=0, le=MAX_OVERLAP_S, description="Seconds that the old one still works")]
router = Router(auth=SelfBearer(), tags=["self"])


class NewKey(Schema):
    """A public key as JWK or certificate, and the proof of its private half."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "jwk": {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzR"},
                "start": "now",
                "previous": "retire",
                "overlap": 86400,
                "proof": "eyJ0eXAiOiJrZXlkZXNrLXByb29mK2p3dCIsImFsZyI6IkVTMjU2In0.e30.c2lnbmF0dXJl",
            }
        },
    )

    jwk: dict[str, Any] | None = None
    certificate: str | None = Field(default=None, description="PEM, or DER in base64")
    start: Literal["now", "staged"] = "now"
    previous: Literal["keep", "retire"] = "keep"
    overlap: Overlap = 0
    proof: str | None = Field(default=None, description="Compact JWS by the new key, typ keydesk-proof+jwt")


class KeyChange(Schema):
    """Activation of a staged key."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"active": True}})

    active: Literal[True]


class End(Schema):
    """When a key ends: after how many seconds."""

    overlap: Overlap = 0


ADD = refusals(
    ApiCode.PROOF_MISSING, TokenCode.PROOF_INVALID, Code.SELF_SERVICE_OFF, Code.KEY_ADDED_ALREADY,
    Code.KEY_USED_ELSEWHERE, Code.KID_IN_USE, ApiCode.LAST_WAY_IN, body=True,
)  # fmt: skip
OF_ONE = (ApiCode.NOT_FOUND, ApiCode.FIELDS_INVALID)
OF_A_CHANGE = (*OF_ONE, ApiCode.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE)


@router.post("self/keys", response={201: Credential}, url_name="keys", operation_id="addKey", openapi_extra=ADD)
def add_key(request: HttpRequest, response: HttpResponse, payload: NewKey) -> Status[Credential]:
    """Add a key, at once or staged; on request retire the one it follows. All contacts are mailed."""
    caller, now = caller_of(request), prepared(request).now
    key = _read(caller, request, payload)
    if payload.proof is None:
        raise Problem(ApiCode.PROOF_MISSING)
    row = own_keys.add(
        client=caller.client, key=key, proof=payload.proof, active=payload.start == "now",
        previous=_previous(caller, request) if payload.previous == "retire" else None,
        overlap=timedelta(seconds=payload.overlap), by=caller.actor, now=now,
    )  # fmt: skip
    return Status(201, _shown(request, response, row))


@router.get(
    "self/keys/{uuid:uid}", response=Credential, url_name="key", operation_id="getKey", openapi_extra=refusals(*OF_ONE)
)
def get_key(request: HttpRequest, response: HttpResponse, uid: UUID) -> Credential:
    """Return one key, also one that has ended."""
    return _shown(request, response, _own(caller_of(request), uid))


@router.patch(
    "self/keys/{uuid:uid}",
    response=Credential,
    url_name="key",
    operation_id="activateKey",
    openapi_extra=refusals(*OF_A_CHANGE, Code.SELF_SERVICE_OFF, Code.KEY_NOT_STAGED, body=True),
)
def change_key(request: HttpRequest, response: HttpResponse, uid: UUID, payload: KeyChange) -> Credential:
    """Activate a staged key. Needs If-Match."""
    caller = caller_of(request)
    with transaction.atomic():
        row = _locked(caller, request, uid)
        keys.activate(key=row, by=caller.actor, now=prepared(request).now)
    return _shown(request, response, row)


@router.delete(
    "self/keys/{uuid:uid}",
    response={204: None},
    url_name="key",
    operation_id="retireKey",
    openapi_extra=refusals(*OF_A_CHANGE, ApiCode.LAST_WAY_IN, Code.KEY_RETIRED_ALREADY),
)
def retire_key(request: HttpRequest, uid: UUID, end: Query[End]) -> Status[None]:
    """Retire a key now, or after an overlap. Needs If-Match."""
    caller = caller_of(request)
    with transaction.atomic():
        row = _locked(caller, request, uid)
        keys.retire(key=row, overlap=timedelta(seconds=end.overlap), by=caller.actor, now=prepared(request).now)
    return Status(204, None)


def _read(caller: Caller, request: HttpRequest, payload: NewKey) -> PublicKey:
    """Return the key in the body. Raises KeyRefused; a private half is reported to the contacts, and not kept."""
    if (payload.jwk is None) == (payload.certificate is None):
        raise _wrong("jwk", "one_of_jwk_and_certificate")
    now = prepared(request).now
    kind = "certificate" if payload.jwk is None else "jwk"
    data = (payload.certificate or json.dumps(payload.jwk)).encode("utf-8", "replace")
    try:
        found = keymaterial.read(data, now=now, kind=kind)
    except KeyRefused as refused:
        if refused.compromised:
            keys.note_refused_private_key(client=caller.client, by=caller.actor, now=now)
        raise
    if len(found) != 1:
        raise _wrong("jwk", "one_key")
    return found[0]


def _previous(caller: Caller, request: HttpRequest) -> Key:
    """Return the key of the token, else the only key in use. Raises Problem where there are several or none."""
    in_use = list(caller.client.keys.lasting(prepared(request).now))
    of_token = [key for key in in_use if key.credential == caller.token.credential]
    found = of_token or in_use
    if len(found) != 1:
        raise _wrong("previous", "one_key_in_use")
    return found[0]


def _wrong(field: str, code: str) -> Problem:
    return Problem(ApiCode.FIELDS_INVALID, errors=[field_error([field], code)])


def _own(caller: Caller, uid: UUID) -> Key:
    row = caller.client.keys.filter(uid=uid).first()
    if row is None:
        raise Problem(ApiCode.NOT_FOUND)
    return row


def _locked(caller: Caller, request: HttpRequest, uid: UUID) -> Key:
    """Return the key, its client locked, as If-Match says it is. Raises Problem and Stale."""
    Client.objects.locked(caller.client.pk)
    row = _own(caller, uid)
    require_current(request, row)
    return row


def _shown(request: HttpRequest, response: HttpResponse, row: Key) -> Credential:
    response["ETag"] = f'"{tag_of(row)}"'
    return credentials(row.client, [row], prepared(request).now)[0]
