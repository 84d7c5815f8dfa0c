"""Application of the authorization server: finds the endpoint, and turns every outcome into a JSON answer.

No Django request, form or template is involved, so the cost of an HTTP request is that of its endpoint
(docs/decisions/0005). It sets and reads no cookies. It answers 503 when the database is away, and 500 only for its own
faults.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NamedTuple

import orjson
import structlog

from foundation.ip_addresses import client_address
from foundation.request_ids import proxy_request_id, proxy_trace_id
from tokens.endpoints.authentication import claimed_client
from tokens.endpoints.example_api import example
from tokens.endpoints.introspect import introspect
from tokens.endpoints.metadata import metadata
from tokens.endpoints.revoke import revoke
from tokens.endpoints.token import token
from tokens.endpoints.verify import verify
from tokens.protocol.errors import (
    InsufficientScope,
    InvalidClient,
    InvalidRequest,
    InvalidToken,
    MethodNotAllowed,
    NoSuchEndpoint,
    NoToken,
    Refused,
    Rule,
    ServerError,
    ServiceUnavailable,
    TooManyRequests,
)
from tokens.protocol.http import Answer, Request, Response, header_line
from tokens.runtime.rate_limits import WINDOW_S
from tokens.runtime.services import Services
from tokens.storage import metrics
from tokens.storage.batcher import Unavailable

METADATA_PATH = "/.well-known/oauth-authorization-server"  # RFC 8414 section 3
BEARER_ENDPOINTS = ("verify", "example")
RETRY_AFTER_S = 5  # when the database is away

log = structlog.get_logger(__name__)


class Route(NamedTuple):
    endpoint: str
    method: str
    respond: Callable[[Services, Request], Awaitable[Response]]


class Application:
    """Authorization server behind any HTTP server: `await application.answer(request)`."""

    def __init__(self, services: Services) -> None:
        self.services = services
        path = services.policy.path
        self._always = _head_of_every_answer(over_https=services.policy.issuer.startswith("https://"))
        self._logs_access = logging.getLogger(__name__).isEnabledFor(logging.INFO)
        self._routes = {METADATA_PATH: Route("metadata", "GET", metadata)}
        for name, method, respond in (
            ("token", "POST", token),
            ("introspect", "POST", introspect),
            ("revoke", "POST", revoke),
            ("verify", "GET", verify),
            ("authorization/verify", "GET", verify),  # where the older system had it
            ("example", "GET", example),
        ):
            self._routes[path + name] = Route(name.rpartition("/")[2], method, respond)

    def serves(self, path: str) -> bool:
        """Return whether a path is the authorization server's, with or without a trailing slash, never a redirect."""
        return path.startswith(self.services.policy.path) or path.rstrip("/") == METADATA_PATH

    async def answer(self, request: Request) -> Answer:
        started = perf_counter()
        self.services.background.ensure_started()
        route = self._routes.get(request.path.rstrip("/"))
        self._identify(request, route)
        response = await self._respond(route, request)
        body = orjson.dumps(response.payload)
        head = self._head(request, response, len(body))
        seconds = perf_counter() - started
        outcome = response.payload.get("error") or ("ok" if response.status < 400 else str(response.status))
        metrics.request_seconds(request.endpoint, outcome).observe(seconds)
        if self._logs_access:
            self.services.access_log.add(self.services.clock(), request, response.status, outcome, seconds)
        return Answer(response.status, head, body)

    def _head(self, request: Request, response: Response, length: int) -> bytes:
        """Return the header fields. No value has a line break, by its alphabet."""
        head = b"%bcontent-length: %d\r\nx-request-id: %b\r\n" % (self._always, length, request.id.encode())
        for name, value in response.headers:
            head += header_line(name.lower().encode(), value.encode())
        if allowance := request.allowance:  # draft-ietf-httpapi-ratelimit-headers
            limit, remaining, resets_in = allowance
            head += b'ratelimit-policy: "client";q=%d;w=%d\r\n' % (limit, WINDOW_S)
            head += b'ratelimit: "client";r=%d;t=%d\r\n' % (remaining, resets_in)
        return head

    def _identify(self, request: Request, route: Route | None) -> None:
        proxies, headers = self.services.policy.trusted_proxies, request.headers
        request.id = proxy_request_id(headers.get("x-request-id", ""), proxies)
        if not request.id:  # a proxy's id may be easy to guess: explanations never use it (PROTOCOL R-30)
            request.id = request.why = os.urandom(16).hex()
        if "traceparent" in headers and not request.trace_id:
            request.trace_id = proxy_trace_id(headers["traceparent"], proxies)
        request.address = client_address(request.peer, headers.get("x-forwarded-for", ""), proxies)
        if route is not None:
            request.endpoint = route.endpoint

    async def _respond(self, route: Route | None, request: Request) -> Response:
        try:
            if route is None:
                raise NoSuchEndpoint(request.path)
            if request.method != route.method:
                raise MethodNotAllowed(request.method, route.method)
            return await route.respond(self.services, request)
        except Refused as refusal:
            return await self._refuse(request, refusal)
        except Unavailable:
            return self._refused(request, ServiceUnavailable())
        except Exception:  # a fault of ours ends this request only
            log.exception("oauth_request_failed", request_id=request.id, endpoint=request.endpoint)
            return self._refused(request, ServerError(request.id))

    async def _refuse(self, request: Request, refusal: Refused) -> Response:
        """Tell the caller little and the client's contacts all (PROTOCOL A-16)."""
        answered = refusal
        # Do not look up an unknown client twice: the time would tell it from a known one.
        if request.client is None and refusal.rule not in (Rule.UNKNOWN_CLIENT, Rule.NO_ENDPOINT):
            request.client = await claimed_client(self.services, request)
        if isinstance(refusal, InvalidClient | InvalidToken):
            try:
                self.services.rate_limits.count_failure(request.address)
            except TooManyRequests as too_many:
                answered = too_many
        return self._refused(request, refusal, answered)

    def _refused(self, request: Request, refusal: Refused, answered: Refused | None = None) -> Response:
        """Keep the refusal for its readers, and answer with the `error_uri` of their page (PROTOCOL R-30).

        The address has the same form for every cause.
        """
        services, answered = self.services, answered or refusal
        request.refused_by = refusal.rule
        request.why = request.why or os.urandom(16).hex()
        response = _refusal(request, answered, f"{services.policy.issuer}/why/{request.why}")
        # Failures of the server are not about a client: everybody may read the explanation.
        if request.client is None or isinstance(refusal, ServiceUnavailable | ServerError):
            services.anonymous_refusals.add(request, refusal, answered, response.status)
        else:
            services.journal.refusal(request, refusal, answered, response.status)
            error = answered.error or refusal.rule.value
            services.usage.refused(request.client.id, request, refusal.rule.value, error, services.clock())
        return response


def _refusal(request: Request, refusal: Refused, error_uri: str) -> Response:
    """Return the answer by RFC 6749 section 5.2, or with a challenge by RFC 6750 section 3 for bearer tokens."""
    payload = {"error": refusal.error, "error_description": refusal.description} if refusal.error else {}
    response = Response(refusal.status, payload | {"error_uri": error_uri})
    match refusal:
        case InvalidClient():
            # RFC 6749 section 5.2, and RFC 7662 section 2.3 for introspection.
            if request.authorization or request.endpoint == "introspect":
                response.status = 401
                response.headers.append(("WWW-Authenticate", 'Basic realm="Keydesk", charset="UTF-8"'))
        case NoToken():  # RFC 6750 section 3.1: no error information in the challenge then
            response.headers.append(("WWW-Authenticate", 'Bearer realm="Keydesk"'))
        case InvalidToken():
            response.headers.append(_challenge(refusal, error_uri))
        case InvalidRequest() if request.endpoint in BEARER_ENDPOINTS:
            response.headers.append(_challenge(refusal, error_uri))
        case InsufficientScope(scope=scope):
            response.headers.append(_challenge(refusal, error_uri, f', scope="{scope}"'))
        case MethodNotAllowed(allow=allow):
            response.headers.append(("Allow", allow))
        case TooManyRequests(allowance=allowance):
            response.headers.append(("Retry-After", str(allowance.resets_in)))
        case ServiceUnavailable():
            response.headers.append(("Retry-After", str(RETRY_AFTER_S)))
    return response


def _challenge(refusal: Refused, error_uri: str, more: str = "") -> tuple[str, str]:
    challenge = f'Bearer realm="Keydesk", error="{refusal.error}"{more}, error_uri="{error_uri}"'
    return "WWW-Authenticate", challenge


def _head_of_every_answer(*, over_https: bool) -> bytes:
    head = (
        b"content-type: application/json;charset=UTF-8\r\n"
        b"cache-control: no-store\r\n"
        b"pragma: no-cache\r\n"
        b"x-content-type-options: nosniff\r\n"
    )
    return head + b"strict-transport-security: max-age=31536000\r\n" if over_https else head
