"""A small OpenID provider that listens for real (OpenID Connect Core 1.0, the code flow).

It asks nobody anything: whoever comes to its authorisation address is `person`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "keydesk", "provider-secret"


@dataclass
class Provider:
    """`person` holds the claims of who signs in; `audience` whom the ID token is for; `asked` the last request."""

    port: int = 0
    person: dict[str, Any] = field(default_factory=dict)
    audience: str = CLIENT_ID
    asked: dict[str, str] = field(default_factory=dict)
    challenges: dict[str, str] = field(default_factory=dict)  # code -> code_challenge
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "provider"}))

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes next: back, with a code."""
        self.asked = query
        code = secrets.token_urlsafe()
        self.challenges[code] = query.get("code_challenge", "")
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        challenge = self.challenges.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proven = challenge == base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if authorization != f"Basic {basic}" or not proven:
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + 60, **self.person}
        id_token = jwt.encode({"alg": "RS256", "kid": "provider"}, claims, self.key)
        return {"access_token": "of-the-provider", "token_type": "Bearer", "expires_in": 60, "id_token": id_token}


class Handler(BaseHTTPRequestHandler):
    def __init__(self, provider: Provider, *args: Any) -> None:
        self.provider = provider
        super().__init__(*args)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(query))
            self.end_headers()
        elif address.path == "/userinfo":
            self.answer(self.provider.person)
        elif address.path == "/jwks":
            self.answer({"keys": [self.provider.key.as_dict(private=False)]})
        else:
            self.answer(self.provider.configuration())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        granted = self.provider.token(form, self.headers.get("Authorization", ""))
        self.answer(granted or {"error": "invalid_grant"}, 200 if granted else 400)

    def answer(self, content: dict[str, Any], status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_args: Any) -> None:
        """Nothing in the output of the tests."""


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, provider)) as server:
        provider.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()
