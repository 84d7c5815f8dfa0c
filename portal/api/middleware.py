"""The way of an HTTP request under API_PATH: past cookies, sessions and everything else that people need."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.cache import patch_vary_headers

from portal.api import limits
from portal.api.problems import MEDIA_TYPE, Problem, answer
from portal.web.commits import commits_wait
from portal.web.http_request import Request
from tokens.protocol.errors import Rule

MAX_BODY_BYTES = 256 * 1024
NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"  # to a browser that is led to an answer
RETRY_AFTER_S = 30  # while commits wait for a standby


class ApiMiddleware:
    """Answers what is the API's; stands before every middleware that reads a cookie."""

    def __init__(self, get_response: Callable[[Request], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponseBase:
        if not request.path_info.startswith(settings.API_PATH):
            return self.get_response(request)
        request.META.pop("HTTP_COOKIE", None)
        request.allowance = None
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response = _answered(request)
        response["Content-Language"] = language
        response["Content-Security-Policy"] = NOTHING_ALLOWED
        response["X-Frame-Options"] = "DENY"
        for name, value in limits.headers_of(request).items():
            response[name] = value
        patch_vary_headers(response, ("Accept-Language",))
        return response


def _answered(request: HttpRequest) -> HttpResponseBase:
    try:
        _refuse_early(request)
        match = resolve(request.path_info)
    except Problem as problem:
        return answer(request, problem)
    except Resolver404:
        return answer(request, Problem(Rule.NO_ENDPOINT, sent=request.path_info))
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and response["Content-Type"] != MEDIA_TYPE:
        return _wrong_method(request, response["Allow"])
    return response


def _refuse_early(request: HttpRequest) -> None:
    """Raise Problem for what no operation has to see."""
    if "\0" in request.path_info:  # PostgreSQL cannot look for a name with it
        raise Problem(Rule.NO_ENDPOINT, sent=request.path_info.replace("\0", ""))
    if commits_wait(request) and request.method != "GET":
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        raise Problem(Rule.UNAVAILABLE, headers=headers)
    if request.path_info.startswith(f"{settings.API_PATH}leaks"):
        return  # these have a bound of their own (portal/api/leaks/items.py)
    try:
        fits = len(request.body) <= MAX_BODY_BYTES
    except RequestDataTooBig:
        fits = False
    if not fits:
        raise Problem(Rule.BODY_TOO_LARGE, max_bytes=MAX_BODY_BYTES)


def _wrong_method(request: HttpRequest, allow: str) -> HttpResponse:
    problem = Problem(
        Rule.METHOD,
        headers={"Allow": allow},
        sent=request.method or "",
        expected=allow,
    )
    return answer(request, problem)
