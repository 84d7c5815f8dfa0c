"""Refusals as problem details (RFC 9457): a code, its facts, and words in the language of Accept-Language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from clients.keymaterial import KeyRefused
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from portal.explanations.api_codes import STATUSES, UPLOADED_KEY, ApiCode
from portal.explanations.sentences import in_words
from portal.web.http_request import prepared

MEDIA_TYPE = "application/problem+json"
# The API has one code for these: which of them is meant is in the request.
WAYS_IN = frozenset({Code.LAST_KEY, Code.LAST_SECRET, Code.LAST_TRUST})


class Problem(Refusal):
    """Refusal with header fields of its answer, and with an entry for each field that is wrong."""

    def __init__(
        self,
        code: str,
        /,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        **facts: object,
    ) -> None:
        super().__init__(code, **facts)
        self.headers, self.errors = headers or {}, errors


def answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return the refusal as the answer to the HTTP request."""
    status = status_of(refusal)
    if refusal.code in WAYS_IN:
        refusal = Refusal(ApiCode.LAST_WAY_IN)
    body = described(refusal, status) | {"request_id": prepared(request).id}
    headers: Mapping[str, str] = {}
    if isinstance(refusal, Problem):
        headers = refusal.headers
        body |= {"errors": refusal.errors} if refusal.errors else {}
    return HttpResponse(orjson.dumps(body, default=str), status=status, content_type=MEDIA_TYPE, headers=dict(headers))


def described(refusal: Refusal, status: HTTPStatus) -> dict[str, Any]:
    """Return the members of RFC 9457, and code and facts, in the language that is active."""
    words = in_words(refusal)
    anchor = UPLOADED_KEY if isinstance(refusal, KeyRefused) else refusal.code
    described = {
        "type": f"{settings.PUBLIC_URL}/docs/api/#{anchor}",
        "title": words.title or status.phrase,
        "status": status.value,
        "detail": words.sentence,
        "code": refusal.code,
        "facts": refusal.facts,
    }
    return described | ({"command": words.command} if words.command else {})


def status_of(refusal: Refusal) -> HTTPStatus:
    """Return 422 for what was sent, 409 for what the state of the client does not allow."""
    if isinstance(refusal, KeyRefused):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return STATUSES.get(refusal.code, HTTPStatus.CONFLICT)


def field_error(place: Sequence[object], kind: str, context: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return an entry: `field` as a path with dots, `code` as pydantic names it, numbers and choices as facts."""
    names = [str(part) for part in place if part not in ("body", "query", "path", "payload")]
    facts = {name: value for name, value in (context or {}).items() if isinstance(value, str | int | float)}
    details = {"missing": _("This field is required."), "extra_forbidden": _("There is no such field.")}
    detail = details.get(kind) or _("Enter a valid value.")
    return {"field": ".".join(names), "code": kind, "detail": detail, "facts": facts}
