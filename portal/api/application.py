"""The API as django-ninja has it: its operations, how a body is read, and how each fault is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.parser import Parser

from foundation.refusals import Refusal
from portal.api import own_client
from portal.api.middleware import RETRY_AFTER_S
from portal.api.openapi import document
from portal.api.problems import Problem, answer
from portal.explanations.api_codes import ApiCode
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
            raise Problem(ApiCode.FIELDS_INVALID, errors=[_field_error(["body"], "dict_type", {})])
        return parsed


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


api = NinjaAPI(
    title="Keydesk management API",
    version="1",
    description="A client about itself. Refusals are problem details (RFC 9457) with a stable code.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
    parser=StrictParser(),
)
api.add_router("", own_client.router)


def _refused(request: HttpRequest, refusal: Refusal | type[Refusal]) -> HttpResponse:
    return answer(request, refusal if isinstance(refusal, Refusal) else refusal(""))


def _invalid(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    """Return 422 with one entry for each field; the value that was sent is never repeated."""
    found = error.errors if isinstance(error, ValidationError) else []
    errors = [_field_error(each["loc"], each["type"], each.get("ctx", {})) for each in found]
    return answer(request, Problem(ApiCode.FIELDS_INVALID, errors=errors))


def _field_error(place: Any, kind: str, context: Mapping[str, object]) -> dict[str, Any]:
    """Return an entry: `field` as a path with dots, `code` as pydantic names it, numbers and choices as facts."""
    names = [str(part) for part in place if part not in ("body", "query", "path", "payload")]
    facts = {name: value for name, value in context.items() if isinstance(value, str | int | float)}
    details = {"missing": _("This field is required."), "extra_forbidden": _("There is no such field.")}
    detail = details.get(kind) or _("Enter a valid value.")
    return {"field": ".".join(names), "code": kind, "detail": detail, "facts": facts}


def _failed(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    if isinstance(error, OperationalError | InterfaceError):
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return answer(request, Problem(Rule.UNAVAILABLE, headers=headers))
    log.error("api_request_failed", exc_info=error)
    return answer(request, Problem(Rule.SERVER_ERROR))


api.add_exception_handler(Refusal, _refused)
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
