"""The API as django-ninja has it: its operations, how a body is read, and how each fault is answered."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.datastructures import MultiValueDict
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from foundation.refusals import Refusal
from portal.api import bounces
from portal.api.idempotency import once
from portal.api.leaks import github, gitlab
from portal.api.middleware import RETRY_AFTER_S
from portal.api.openapi import document
from portal.api.own import client as own_client
from portal.api.own import keys as own_keys
from portal.api.own import secret as own_secret
from portal.api.own import tokens as own_tokens
from portal.api.own import trusts as own_trusts
from portal.api.problems import Problem, answer, field_error
from portal.api.team import apis as team_apis
from portal.api.team import changes as team_changes
from portal.api.team import client_acts as team_client_acts
from portal.api.team import issuers as team_issuers
from portal.api.team import requests as team_requests
from portal.api.team import scopes as team_scopes
from portal.explanations.api_codes import ApiCode
from portal.web.outages import is_outage, leave_server
from tokens.protocol.errors import Rule

log = structlog.get_logger(__name__)


class StrictParser(Parser):
    """JSON in UTF-8 alone: another content type and broken JSON have refusals of their own."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Return the object. Raises Problem."""
        if request.content_type != "application/json":
            raise Problem(ApiCode.NOT_JSON, sent=request.content_type or "")
        try:
            parsed = json.loads(request.body.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Problem(ApiCode.BROKEN_JSON) from None
        if not isinstance(parsed, dict):
            raise Problem(ApiCode.FIELDS_INVALID, errors=[field_error(["body"], "dict_type")])
        _refuse_nul(parsed)
        return parsed

    def parse_querydict(
        self, data: MultiValueDict[str, str], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """Return the parameters of the address. Raises Problem."""
        parsed = dict(super().parse_querydict(data, list_fields, request))
        _refuse_nul(parsed)
        return parsed


def _refuse_nul(parsed: dict[str, Any]) -> None:
    """Refuse the character NUL in any text: PostgreSQL can neither keep it nor look for it. Raises Problem."""
    waiting: list[tuple[tuple[object, ...], object]] = [((), parsed)]
    found = []
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*place, name), part) for name, part in value.items()]
        elif isinstance(value, list):
            waiting += [((*place, number), part) for number, part in enumerate(value)]
        if "\0" in str(place[-1] if place else "") or (isinstance(value, str) and "\0" in value):
            found.append(field_error(["body", *place], "null_characters_not_allowed"))
    if found:
        raise Problem(ApiCode.FIELDS_INVALID, errors=found)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


api = NinjaAPI(
    title="Keydesk management API",
    version="1",
    description="A client about itself, and programs of the Security team. Refusals are problem details (RFC 9457).",
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
    parser=StrictParser(),
)
api.add_decorator(once)
OWN = (own_client, own_keys, own_secret, own_tokens, own_trusts)
TEAM = (team_client_acts, team_requests, team_apis, team_scopes, team_issuers, team_changes)
for operations in (*OWN, *TEAM, github, gitlab, bounces):
    api.add_router("", operations.router)


def _refused(request: HttpRequest, refusal: Refusal | type[Refusal]) -> HttpResponse:
    return answer(request, refusal if isinstance(refusal, Refusal) else refusal(""))


def _unreadable(request: HttpRequest, error: HttpError | type[HttpError]) -> HttpResponse:
    """Answer the refusal of StrictParser, which ninja wraps."""
    cause = error.__cause__ if isinstance(error, HttpError) else None
    return answer(request, cause if isinstance(cause, Refusal) else Problem(ApiCode.BROKEN_JSON))


def _invalid(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    """Return 422 with one entry for each field; the value that was sent is never repeated."""
    found = error.errors if isinstance(error, ValidationError) else []
    errors = [field_error(each["loc"], each["type"], each.get("ctx", {})) for each in found]
    return answer(request, Problem(ApiCode.FIELDS_INVALID, errors=errors))


def _failed(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    if is_outage(error):
        leave_server()
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return answer(request, Problem(Rule.UNAVAILABLE, headers=headers))
    log.error("api_request_failed", exc_info=error)
    return answer(request, Problem(Rule.SERVER_ERROR))


api.add_exception_handler(Refusal, _refused)
api.add_exception_handler(HttpError, _unreadable)
api.add_exception_handler(ValidationError, _invalid)
api.add_exception_handler(Exception, _failed)


def openapi(request: HttpRequest) -> HttpResponse:
    """Answer GET openapi.json, without a token."""
    if request.method != "GET":
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
    return JsonResponse(document(api), json_dumps_params={"ensure_ascii": False})


def urls() -> tuple[list[URLPattern], str]:
    """Return the addresses of the operations, without ninja's own pages."""
    patterns = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    return [path("openapi.json", openapi, name="openapi"), *patterns], "api"
