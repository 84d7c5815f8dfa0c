"""Requests to the ASGI application of the authorization server, without a network and without an HTTP server."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.utils.datastructures import CaseInsensitiveMapping
from joserfc import jws
from joserfc.jwk import ECKey, Key, import_key

from tests.support.factories import NOW
from tests.tokens.support.event_loop import EventLoop
from tokens.models import JournalEntry
from tokens.policy import from_settings
from tokens.runtime.services import Services
from tokens.serving.application import Application
from tokens.serving.asgi_messages import Message
from tokens.serving.authorization_server import AuthorizationServer

PATH = "/oauth/v2/"
ISSUER = "http://testserver"
TOKEN_URL = f"{ISSUER}{PATH}token"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CaseInsensitiveMapping[str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        return self.json.get("error", "")

    @property
    def told(self) -> str:
        """The body without the address of its explanation, which differs each time."""
        body = {name: value for name, value in self.json.items() if name != "error_uri"}
        return json.dumps(body, separators=(",", ":"))

    @property
    def request_id(self) -> str:
        return self.headers["X-Request-Id"]


@dataclass
class Clock:
    """The server's time, which tests move."""

    at: float = NOW.timestamp()

    def __call__(self) -> float:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Wire:
    """A process of the authorization server. Any thread may send requests: the event loop has one of its own."""

    authorization_server: AuthorizationServer
    loop: EventLoop
    clock: Clock
    log: StringIO

    @property
    def application(self) -> Application:
        return self.authorization_server.application

    def send(
        self,
        method: str,
        endpoint: str,
        *,
        body: bytes = b"",
        content_type: str = "application/x-www-form-urlencoded",
        authorization: str = "",
        query: str = "",
        address: str = "192.0.2.10",
        **headers: str,
    ) -> Answer:
        """Header fields are spelled as for Django's test client: HTTP_X_REQUEST_ID. Without CONTENT_LENGTH: chunked."""
        fields = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)), "HTTP_AUTHORIZATION": authorization}
        scope = {
            "type": "http",
            "method": method,
            "path": endpoint if endpoint.startswith("/") else PATH + endpoint,
            "query_string": _bytes(headers.pop("QUERY_STRING", query)),
            "headers": [(_name(name), _bytes(value)) for name, value in (fields | headers).items() if value],
            "client": (headers.pop("REMOTE_ADDR", address), 50_000),
        }
        return self.loop.run(self._answer(scope, body))

    async def _answer(self, scope: Message, body: bytes) -> Answer:
        half = len(body) // 2
        pieces = iter([(body[:half], True), (body[half:], False)])
        sent: list[Message] = []

        async def receive() -> Message:
            piece, more_body = next(pieces)
            return {"type": "http.request", "body": piece, "more_body": more_body}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.authorization_server(scope, receive, send)
        await self.application.services.access_log.flush()  # tests read it at once
        start, content = sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], CaseInsensitiveMapping(headers), content["body"].decode())

    def post(self, endpoint: str, form: dict[str, str] | list[tuple[str, str]] | str | bytes, **more: Any) -> Answer:
        """A form as pairs, or as the body that it is on the wire."""
        body = form if isinstance(form, bytes) else (form if isinstance(form, str) else urlencode(form)).encode()
        return self.send("POST", endpoint, body=body, **more)

    def get(self, endpoint: str, **more: Any) -> Answer:
        return self.send("GET", endpoint, content_type="", **more)

    def token(self, authorization: str, scope: str = "", **more: Any) -> Answer:
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        return self.post("token", form, authorization=authorization, **more)

    def introspect(self, token: str, authorization: str, **more: Any) -> Answer:
        return self.post("introspect", {"token": token}, authorization=authorization, **more)

    def is_active(self, token: str, authorization: str) -> bool:
        answer = self.introspect(token, authorization)
        assert answer.status == 200, answer.text
        return bool(answer.json["active"])

    def write_behind(self) -> None:
        """Do the periodic background work."""
        self.loop.run(self.application.services.background.run_jobs())

    def cause(self, answer: Answer) -> JournalEntry | None:
        """Return the contacts' explanation of a refused HTTP request, found by the caller's id."""
        self.write_behind()
        return JournalEntry.objects.with_request_id(answer.request_id).first()

    def rule(self, answer: Answer) -> str:
        entry = self.cause(answer)
        return entry.rule if entry else ""


@contextmanager
def process(clock: Clock, **configuration: Any) -> Iterator[Wire]:
    """No throttling, unless it is asked for."""
    log = StringIO()
    changed = {"client_limit": None, "failure_limit": None, **configuration}
    services = Services(replace(from_settings(), **changed), clock, log)
    services.background.ensure_started = lambda: None  # type: ignore[method-assign]  # tests say when
    application = Application(services)
    application._logs_access = True  # LOG_LEVEL is WARNING in tests
    with running(application, clock, log) as wire:
        yield wire


@contextmanager
def running(application: Application, clock: Clock, log: StringIO) -> Iterator[Wire]:
    loop = EventLoop()
    try:
        yield Wire(AuthorizationServer(application), loop, clock, log)
    finally:
        loop.run(application.services.close())
        loop.close()


def _name(variable: str) -> bytes:
    return variable.removeprefix("HTTP_").replace("_", "-").lower().encode()


def _bytes(text: str) -> bytes:
    """As on the wire; a text that has characters beyond latin-1 as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def basic(client_id: str, secret: str) -> str:
    """RFC 6749 section 2.3.1: url-encoded, then base64."""
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


@dataclass
class Signer:
    """A client that authenticates with a key. Every member of header and claims can be changed, or None removes it."""

    client_id: str
    key: Key
    clock: Clock
    algorithm: str = "ES256"
    kid: str | None = None

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": TOKEN_URL, "jti": uuid.uuid4().hex}
        return _without_none({**claims, "iat": now, "exp": now + 300, **changes})

    def assertion(self, *, header: dict[str, Any] | None = None, payload: bytes | None = None, **claims: Any) -> str:
        headers = _without_none({"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **(header or {})})
        body = payload if payload is not None else json.dumps(self.claims(**claims)).encode()
        return sign(headers, body, self.key)

    def form(self, assertion: str | None = None, **more: str) -> dict[str, str]:
        signed = self.assertion() if assertion is None else assertion
        return {"client_assertion_type": JWT_BEARER, "client_assertion": signed, **more}


def sign(header: dict[str, Any], payload: bytes, key: Key) -> str:
    """A compact JWS with any header at all, also one that libraries refuse to make."""
    algorithm = jws.JWSRegistry.algorithms[header["alg"]]
    signing_input = f"{base64url(json.dumps(header).encode())}.{base64url(payload)}"
    return f"{signing_input}.{base64url(algorithm.sign(signing_input.encode(), key))}"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def ec_key(curve: str = "P-256") -> Key:
    return ECKey.generate_key(curve)


def public_jwk(key: Key, **members: object) -> dict[str, Any]:
    return {**import_key(key.as_dict(private=False)).as_dict(private=False), **members}


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
