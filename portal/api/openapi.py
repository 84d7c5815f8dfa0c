"""The OpenAPI document: ninja's, with problem details and an example for every refusal."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from ninja import NinjaAPI

from foundation.refusals import Refusal
from portal.api.bearer import ScopeBearer
from portal.api.idempotency import HEADER, MAX_LENGTH
from portal.api.problems import MEDIA_TYPE, described
from portal.explanations.api_codes import FACTS, STATUSES, ApiCode
from tokens.protocol.errors import Rule

REQUEST_ID = "7d1c88f041b2"  # of examples
OF_EVERY_OPERATION = (Rule.NO_TOKEN, Rule.TOKEN_NOT_ACTIVE, Rule.INSUFFICIENT_SCOPE, Rule.RATE_LIMIT,
                      Rule.BODY_TOO_LARGE, Rule.UNAVAILABLE)  # fmt: skip
OF_A_PUBLIC_OPERATION = (Rule.RATE_LIMIT, Rule.BODY_TOO_LARGE, Rule.UNAVAILABLE)
OF_A_BODY = (ApiCode.BROKEN_JSON, ApiCode.NOT_JSON, ApiCode.FIELDS_INVALID)
OF_A_POST = (ApiCode.FIELDS_INVALID, ApiCode.IDEMPOTENCY_KEY_IN_USE, ApiCode.IDEMPOTENCY_KEY_REUSED)
# Tags of the operations for scanners and mail servers: a second report of the same changes nothing by itself.
LEAKS, BOUNCES = ["leaks"], ["bounces"]
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The etag of the state that the caller has read, in double quotes",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": HEADER,
    "description": "Sent again within 24 hours with the same body it gets the first answer. Refusals are not kept",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
    "example": "5f0c7c1e-93d7-4b58-8a3f-0d8d1c1f2a77",
}
WITHOUT_CALLER = {"401", "403", "413", "503"}
RATE_LIMIT_HEADERS = {
    "RateLimit-Policy": {
        "description": "HTTP requests a minute (draft-ietf-httpapi-ratelimit-headers)",
        "schema": {"type": "string"},
        "example": '"client";q=600;w=60',
    },
    "RateLimit": {
        "description": "How many are left, and in how many seconds the count begins anew",
        "schema": {"type": "string"},
        "example": '"client";r=599;t=42',
    },
}
RETRY_AFTER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}, "example": 42}}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "facts", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Address of the documentation of the code"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "In the language of Accept-Language"},
        "code": {"type": "string", "description": "Stable name of the reason"},
        "facts": {"type": "object", "description": "Numbers, moments, names and lists of these"},
        "request_id": {"type": "string"},
        "command": {"type": "string", "description": "A shell command that helps"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail", "facts"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                    "facts": {"type": "object"},
                },
            },
        },
    },
}


def refusals(*codes: str, body: bool = False) -> dict[str, Any]:
    """Return the `openapi_extra` of an operation that refuses with these codes, beside those that all have."""
    return {"x-refusals": [*OF_EVERY_OPERATION, *(OF_A_BODY if body else ()), *codes]}


def public_refusals(*codes: str) -> dict[str, Any]:
    """Return the `openapi_extra` of an operation that takes no access token of Keydesk."""
    return {"x-refusals": [*OF_A_PUBLIC_OPERATION, *codes]}


def document(api: NinjaAPI) -> dict[str, Any]:
    """Return the document, in the language that is active."""
    made = deepcopy(dict(api.get_openapi_schema(path_prefix=settings.API_PATH)))
    made["servers"] = [{"url": settings.PUBLIC_URL}]
    made["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for operations in made["paths"].values():
        for method, operation in operations.items():
            codes = operation.pop("x-refusals")
            if method == "post" and operation["tags"] not in (LEAKS, BOUNCES):
                codes = dict.fromkeys([*codes, *OF_A_POST])
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
            if ApiCode.IF_MATCH_MISSING in codes:
                operation.setdefault("parameters", []).append(IF_MATCH)
            operation["responses"] = {
                str(status): answer for status, answer in operation["responses"].items()
            } | _answers(codes)
            if operation["tags"] not in (LEAKS, BOUNCES):
                _describe_limits(operation["responses"])
    return made


@dataclass(frozen=True)
class Row:
    """Operation as the documentation lists it. `scope` is empty where no access token of Keydesk is asked for."""

    scope: str
    method: str
    path: str


@cache
def rows(api: NinjaAPI) -> list[Row]:
    """Return all operations by the scope that opens them, in the order of the paths."""
    scopes = {bearer.__name__: bearer.scope for bearer in ScopeBearer.__subclasses__()}
    paths = api.get_openapi_schema(path_prefix=settings.API_PATH)["paths"]
    found = [
        Row(next((scopes[name] for each in operation.get("security", []) for name in each if name in scopes), ""),
            method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]  # fmt: skip
    order = list(dict.fromkeys(row.scope for row in found))
    return sorted(found, key=lambda row: order.index(row.scope))


def _describe_limits(answers: dict[str, Any]) -> None:
    """Name the header fields of PROTOCOL T-19; an answer to nobody in particular has no allowance."""
    for status, described_answer in answers.items():
        if status not in WITHOUT_CALLER:
            described_answer["headers"] = dict(RATE_LIMIT_HEADERS)
    answers[str(HTTPStatus.TOO_MANY_REQUESTS.value)]["headers"] |= RETRY_AFTER


def _answers(codes: Iterable[str]) -> dict[str, Any]:
    """Return the refusals by status, each code with its example."""
    answers: dict[str, Any] = {}
    for code in codes:
        status = STATUSES[code]
        refusal = Refusal(str(code), **FACTS.get(code, {}))
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        answer = answers.setdefault(str(status.value), {"description": status.phrase, "content": {MEDIA_TYPE: content}})
        example = described(refusal, status) | {"request_id": REQUEST_ID}
        answer["content"][MEDIA_TYPE]["examples"][str(code)] = {"value": example}
    return answers
