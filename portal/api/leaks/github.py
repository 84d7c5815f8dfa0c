"""Reports in the form of GitHub's secret scanning partner program: signed by GitHub, one answer for each item.

https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Literal

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import ConfigDict, Field, JsonValue, RootModel

from clients.actors import GITHUB_REPORT, Actor
from clients.acts.federation import scanner_keys
from clients.federation.scanner_keys import UnreadableKeys
from portal.api import limits
from portal.api.leaks import items
from portal.api.openapi import LEAKS, public_refusals
from portal.api.problems import Problem
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import Request, prepared
from tokens.acts import leak_reports
from tokens.acts.refusal_codes import TokenCode
from tokens.protocol.errors import Rule

TRUE: Literal["true_positive"] = "true_positive"
FALSE: Literal["false_positive"] = "false_positive"
TOKEN = "kds_0000000000000000000000000000000000000000000000000"  # noqa: S105  # of an example: no checksum
PLACE = "https://github.com/octocat/hello-world/blob/4c1e0f7/deploy.sh"

log = structlog.get_logger(__name__)
router = Router(auth=None, tags=LEAKS)


class Judged(Schema):
    """Answer to one item, as GitHub's feedback on false positives has it."""

    token_hash: str = Field(description="SHA-256 of `token`, in hexadecimal")
    token_type: str = Field(description="`type` of the item")
    label: Literal["true_positive", "false_positive"]


EXAMPLE: dict[str, JsonValue] = {
    "token_hash": items.sha256_of(TOKEN),
    "token_type": "keydesk_client_secret",
    "label": FALSE,
}


class Judgements(RootModel[list[Judged]]):
    """Answers in the order of the items."""

    model_config = ConfigDict(json_schema_extra={"example": [EXAMPLE]})


BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in ("token", "type", "url", "source")},
                },
            },
            "example": [{"token": TOKEN, "type": "keydesk_client_secret", "url": PLACE, "source": "content"}],
        }
    },
}
SIGNED = [
    {"in": "header", "name": name, "required": True, "description": text, "schema": {"type": "string"}}
    for name, text in (
        ("Github-Public-Key-Identifier", "Which key of GitHub's published list made the signature"),
        ("Github-Public-Key-Signature", "ECDSA P-256 with SHA-256 over the body, DER in base64"),
    )
]
EXTRA = public_refusals(
    ApiCode.BROKEN_JSON, ApiCode.NOT_JSON, ApiCode.NOT_AN_ARRAY, ApiCode.SIGNATURE_INVALID, Rule.NO_ENDPOINT,
    TokenCode.LEAKS_NOT_ALL_ENDED,
) | {"requestBody": BODY, "parameters": SIGNED}  # fmt: skip


@router.post("leaks", response=Judgements, url_name="leaks", operation_id="reportLeaks", openapi_extra=EXTRA)
def report_leaks(request: HttpRequest) -> Judgements:
    """End the secrets and tokens that GitHub found. One answer for each item, in their order.

    Signed by GitHub, with no access token. A `true_positive` is a secret or token of this site, also one that has
    ended. 404 where the site did not set LEAK_GITHUB_KEYS.
    """
    http_request = prepared(request)
    body = _signed_body(http_request)
    found = items.array_in(request, body)
    actor = Actor(system=GITHUB_REPORT, address=http_request.address, request_id=http_request.id)
    finds = [items.find(item, url="url") for item in found]
    reported = leak_reports.report(finds=finds, by=actor, now=http_request.now)
    judged = zip(found, reported.ours, strict=True)
    return Judgements([_judged(item, is_ours=is_ours) for item, is_ours in judged])


def _judged(item: object, *, is_ours: bool) -> Judged:
    return Judged(
        token_hash=items.sha256_of(items.text_of(item, "token")),
        token_type=_written(items.text_of(item, "type")),
        label=TRUE if is_ours else FALSE,
    )


def _written(text: str) -> str:
    """Return a text as it can be written in UTF-8; JSON may have had half a character."""
    return text.encode("utf-8", "replace").decode()


def _signed_body(request: Request) -> bytes:
    """Return the body once GitHub's signature over it is proven. Raises Problem."""
    if not settings.LEAK_GITHUB_KEYS:
        raise Problem(Rule.NO_ENDPOINT, sent=request.path_info)
    limits.count_report(request.address, request.now)
    try:
        keys = scanner_keys.current(settings.LEAK_GITHUB_KEYS)
    except UnreadableKeys as problem:
        log.error("leak_github_keys_unreadable", problem=str(problem))  # noqa: TRY400  # its trace tells no more
        raise Problem(Rule.UNAVAILABLE) from problem
    body = items.body_of(request)
    key = keys.get(request.headers.get("Github-Public-Key-Identifier", ""))
    try:
        signature = b64decode(request.headers.get("Github-Public-Key-Signature", ""), validate=True)
        if key is not None:
            key.verify(signature, body, ECDSA(SHA256()))
            return body
    except (binascii.Error, InvalidSignature):
        pass
    limits.count_failure(request.address, request.now)
    raise Problem(ApiCode.SIGNATURE_INVALID, headers={"WWW-Authenticate": "Github-Public-Key-Signature"})
