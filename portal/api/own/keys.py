"""Keys of the client itself: add one with a proof, or their address; activate a staged one, name it, retire one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from clients import keymaterial
from clients.acts.credentials import keys, labels
from clients.keymaterial import KeyRefused, PublicKey
from clients.models import Client, JwksUri, Key
from clients.models.credentials import MAX_LABEL
from clients.refusal_codes import Code, FetchCode
from portal.api.bearer import Caller, SelfBearer, caller_of
from portal.api.if_match import require_current
from portal.api.openapi import refusals
from portal.api.own import addresses
from portal.api.problems import Problem, field_error
from portal.api.representations import Credential, credentials, tag_of
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.acts import own_keys
from tokens.acts.own_keys import Start
from tokens.acts.refusal_codes import TokenCode
from tokens.acts.uses import first_uses

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
MAX_OVERLAP_S = 30 * 24 * 3600
Overlap = Annotated[int, Field(ge=0, le=MAX_OVERLAP_S, description="Seconds that the old one still works")]
Label = Annotated[str, Field(max_length=MAX_LABEL, pattern=PRINTABLE, description="What its owners call it")]
router = Router(auth=SelfBearer(), tags=["self"])


class NewKey(Schema):
    """A public key as JWK or certificate with the proof of its private half; or the address of published keys."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "jwk": {
                        "kty": "EC",
                        "crv": "P-256",
                        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                        "y": "x_FEzR",
                    },
                    "label": "Meter reader, Ghent",
                    "start": "first_use",
                    "previous": "retire",
                    "overlap": 86400,
                    "proof": "eyJ0eXAiOiJrZXlkZXNrLXByb29mK2p3dCIsImFsZyI6IkVTMjU2In0.e30.c2lnbmF0dXJl",
                },
                {"jwks_uri": "https://keys.leiestroom.example/jwks.json", "label": "Meter readers"},
            ]
        },
    )

    jwk: dict[str, Any] | None = None
    certificate: str | None = Field(default=None, description="PEM, or DER in base64")
    jwks_uri: str | None = Field(
        default=None,
        max_length=512,
        description="https address of a JSON Web Key Set, with nothing but a label beside it",
    )
    label: Label = ""
    start: Start = Field(default="now", description="first_use: it takes over once it has authenticated the client")
    previous: Literal["keep", "retire"] | None = Field(
        default=None, description="What becomes of the key before; by default keep, and retire with first_use"
    )
    overlap: Overlap = 0
    proof: str | None = Field(default=None, description="Compact JWS by the new key, typ keydesk-proof+jwt")


class KeyChange(Schema):
    """Activation of a staged key, or another label."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"label": "Meter reader, Ghent"}})

    active: Literal[True] | None = None
    label: Label | None = None


class End(Schema):
    """When a key or trust ends: after how many seconds."""

    overlap: Overlap = 0


ADD = refusals(
    ApiCode.PROOF_MISSING, TokenCode.PROOF_INVALID, Code.SELF_SERVICE_OFF, Code.KEY_ADDED_ALREADY,
    Code.KEY_LEAKED, Code.KEY_USED_ELSEWHERE, Code.KEY_SMALLER_THAN_POLICY, Code.KEY_ALGORITHMS_OFF_BY_POLICY,
    Code.KID_IN_USE, ApiCode.LAST_WAY_IN, Code.JWKS_URI_IN_USE, Code.JWKS_URI_TOO_OFTEN,
    FetchCode.ADDRESS_MALFORMED, FetchCode.ADDRESS_NOT_HTTPS, FetchCode.ADDRESS_NOT_PUBLIC, FetchCode.ADDRESS_PORT,
    FetchCode.ADDRESS_WITH_CREDENTIALS, body=True,
)  # fmt: skip
OF_ONE = (ApiCode.NOT_FOUND, ApiCode.FIELDS_INVALID)
OF_A_CHANGE = (*OF_ONE, ApiCode.IF_MATCH_MISSING, Code.CHANGED_MEANWHILE)


@router.post("self/keys", response={201: Credential}, url_name="keys", operation_id="addKey", openapi_extra=ADD)
def add_key(request: HttpRequest, response: HttpResponse, payload: NewKey) -> Status[Credential]:
    """Add a key: at once, staged, or to take over at its first use. All contacts are mailed.

    An address instead of a key is followed from now on: the worker adds what it finds there within seconds.
    """
    caller, now = caller_of(request), prepared(request).now
    if payload.jwks_uri is not None:
        sent = payload.model_fields_set
        address = addresses.add(caller, url=payload.jwks_uri, label=payload.label, sent=sent, now=now)
        return Status(201, _shown(request, response, address))
    first_uses.settle(client=caller.client, now=now)
    key = _read(caller, request, payload)
    if payload.proof is None:
        raise Problem(ApiCode.PROOF_MISSING)
    row = own_keys.add(
        client=caller.client, key=key, proof=payload.proof, start=payload.start, label=payload.label,
        previous=_previous(caller, request, payload), overlap=timedelta(seconds=payload.overlap),
        by=caller.actor, now=now,
    )  # fmt: skip
    return Status(201, _shown(request, response, row))


@router.get(
    "self/keys/{uuid:uid}", response=Credential, url_name="key", operation_id="getKey", openapi_extra=refusals(*OF_ONE)
)
def get_key(request: HttpRequest, response: HttpResponse, uid: UUID) -> Credential:
    """Return one key or address, also one that has ended."""
    return _shown(request, response, _own(caller_of(request), uid))


@router.patch(
    "self/keys/{uuid:uid}",
    response=Credential,
    url_name="key",
    operation_id="changeKey",
    openapi_extra=refusals(*OF_A_CHANGE, Code.SELF_SERVICE_OFF, Code.KEY_NOT_STAGED, body=True),
)
def change_key(request: HttpRequest, response: HttpResponse, uid: UUID, payload: KeyChange) -> Credential:
    """Activate a staged key, or change the label of a key or an address. Needs If-Match."""
    caller, now = caller_of(request), prepared(request).now
    with transaction.atomic():
        row = _locked(caller, request, uid)
        if isinstance(row, JwksUri):
            addresses.change(row, caller, activate=bool(payload.active), label=payload.label, now=now)
        else:
            _change(row, caller, payload, now)
    return _shown(request, response, row)


@router.delete(
    "self/keys/{uuid:uid}",
    response={204: None},
    url_name="key",
    operation_id="retireKey",
    openapi_extra=refusals(*OF_A_CHANGE, ApiCode.LAST_WAY_IN, Code.KEY_RETIRED_ALREADY, Code.JWKS_URI_OVER),
)
def retire_key(request: HttpRequest, uid: UUID, end: Query[End]) -> Status[None]:
    """Retire a key now, or after an overlap; or follow an address no more, with its keys, now. Needs If-Match."""
    caller, now = caller_of(request), prepared(request).now
    with transaction.atomic():
        row = _locked(caller, request, uid)
        if isinstance(row, JwksUri):
            addresses.remove(row, caller, overlap=end.overlap, now=now)
        else:
            keys.retire(key=row, overlap=timedelta(seconds=end.overlap), by=caller.actor, now=now)
    return Status(204, None)


def _change(key: Key, caller: Caller, payload: KeyChange, now: datetime) -> None:
    if payload.active:
        keys.activate(key=key, by=caller.actor, now=now)
    if payload.label is not None:
        labels.change(credential=key, label=payload.label, by=caller.actor, now=now)


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


def _previous(caller: Caller, request: HttpRequest, payload: NewKey) -> Key | None:
    """Return the key of the token, else the only key in use; None to keep it.

    Raises Problem where there are several, and where there is none to retire.
    """
    is_default = payload.previous is None and payload.start == "first_use"
    if payload.previous != "retire" and not is_default:
        return None
    in_use = list(caller.client.keys.lasting(prepared(request).now))
    of_token = [key for key in in_use if key.credential == caller.token.credential]
    found = of_token or in_use
    if not found and is_default:
        return None
    if len(found) != 1:
        raise _wrong("previous", "one_key_in_use")
    return found[0]


def _wrong(field: str, code: str) -> Problem:
    return Problem(ApiCode.FIELDS_INVALID, errors=[field_error([field], code)])


def _own(caller: Caller, uid: UUID) -> Key | JwksUri:
    row = caller.client.keys.filter(uid=uid).first() or addresses.of(caller.client, uid)
    if row is None:
        raise Problem(ApiCode.NOT_FOUND)
    return row


def _locked(caller: Caller, request: HttpRequest, uid: UUID) -> Key | JwksUri:
    """Return the key or address, its client locked, as If-Match says it is. Raises Problem and Stale."""
    Client.objects.locked(caller.client.pk)
    row = _own(caller, uid)
    require_current(request, row)
    return row


def _shown(request: HttpRequest, response: HttpResponse, row: Key | JwksUri) -> Credential:
    response["ETag"] = f'"{tag_of(row)}"'
    return credentials(row.client, [row], prepared(request).now)[0]
