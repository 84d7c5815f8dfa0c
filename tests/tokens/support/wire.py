"""Requests to the authorization server without a network: in the event loop of WithinThreads."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.utils.datastructures import CaseInsensitiveMapping
from joserfc import jws
from joserfc.jwk import ECKey, Key, import_key

from tests.support.factories import NOW
from tokens.models import JournalEntry
from tokens.protocol.policy import from_settings
from tokens.runtime.services import Server
from tokens.serving.application import Application
from tokens.serving.wsgi import WithinThreads

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
    """One process of the authorization server."""

    within: WithinThreads
    clock: Clock
    log: StringIO

    @property
    def application(self) -> Application:
        return self.within.application

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
        **environ: Any,
    ) -> Answer:
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": endpoint if endpoint.startswith("/") else PATH + endpoint,
            "QUERY_STRING": query,
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": address,
            "wsgi.input": BytesIO(body),
            **environ,
        }
        if authorization:
            environ["HTTP_AUTHORIZATION"] = authorization
        started: list[tuple[str, list[tuple[str, str]]]] = []
        # A start_response of two arguments; its third, and what it returns (PEP 3333), nobody uses here.
        text = b"".join(self.within(environ, lambda status, headers: started.append((status, headers))))  # type: ignore[arg-type, return-value]
        self.within.run(self.application.server.access_log.flush())  # tests read it at once
        ((status, headers),) = started
        return Answer(int(status[:3]), CaseInsensitiveMapping(headers), text.decode())

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
        """What is done in the background every now and then."""
        self.within.run(self.application.server.background.run_jobs())

    def cause(self, answer: Answer) -> JournalEntry | None:
        """What the client's contacts can read about a refused request, found by the id that the caller was given."""
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
    server = Server(replace(from_settings(), **changed), clock, log)
    server.background.ensure_started = lambda: None  # type: ignore[method-assign]  # tests say when
    application = Application(server)
    application._logs_access = True  # LOG_LEVEL is WARNING in tests
    within = WithinThreads(application)
    try:
        yield Wire(within, clock, log)
    finally:
        within.close()


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
