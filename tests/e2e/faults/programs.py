"""A program of the Security team that carries canaries through every operation of its scopes."""

from __future__ import annotations

import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import RSAKey

from clients.built_in_scopes import TEAM_SCOPES
from tests.e2e.support.canaries import Canaries
from tests.e2e.support.live import Live


class Program:
    """`program("GET", "clients")`: an HTTP request with a token of all the scopes of programs."""

    def __init__(self, live: Live, canaries: Canaries) -> None:
        self.live, self.canaries, key = live, canaries, RSAKey.generate_key(2048)
        scopes = sorted(TEAM_SCOPES)
        with tempfile.TemporaryDirectory() as folder:
            jwk = Path(folder) / "public.json"
            jwk.write_text(json.dumps(key.as_dict(private=False)))
            done = live.manage(
                "create_client", "--name", f"program-{uuid.uuid4().hex[:6]}", "--contact", "siem@canary.example",
                *(part for scope in scopes for part in ("--scope", scope)), "--jwk", str(jwk), "--json",
            )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        made, url = json.loads(done.stdout), f"{live.url}/oauth/v2/token"
        pem = key.as_pem(private=True).decode()
        session = OAuth2Session(made["client_id"], pem, token_endpoint_auth_method=PrivateKeyJWT(url))
        self.token = str(
            session.fetch_token(url, grant_type="client_credentials", scope=" ".join(scopes))["access_token"]
        )
        canaries.text |= {"secret of the program": made["client_secret"], "token of the program": self.token}

    def __call__(self, method: str, path: str, body: Any = None, etag: str = "*") -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "If-Match": etag}
        answer = requests.request(method, f"{self.live.url}/api/v1/{path}", headers=headers, json=body, timeout=40)
        if answer.status_code >= 400:
            self.canaries.refusals.append(answer.text)
        elif method == "GET":
            assert not self.canaries.found_in(answer.text), path  # no GET shows a secret (API M-6)
        return answer


def as_a_program(live: Live, client_id: str, canaries: Canaries) -> None:
    """Read all that programs read, and put each canary where it does not belong."""
    program = Program(live, canaries)
    (client,) = program("GET", f"clients?q={client_id}").json()["items"]
    about = f"clients/{client['uid']}"
    for path in ("clients", about, f"{about}/keys", f"{about}/secrets", "requests", "apis", "scopes", "issuers"):
        assert program("GET", path).status_code == 200, path
    since, more = 0, True
    while more:
        page = program("GET", f"changes?wait=0&since={since}").json()
        since, more = page["next"], page["more"]
    for name in ("secret", "new secret", "token of the program", "private key"):
        text = canaries.text[name]
        for path in (f"clients?q={text}", f"requests?q={text}", f"clients?cursor={text}", f"scopes?name={text}"):
            program("GET", path)
        because = {"reason": f"It was {text}", "message": text}
        for act in ("suspend", "reactivate", "close", "tokens/invalidate"):
            program("POST", f"{about}/{act}", because if name != "private key" else because | {"secret": text})
        program("PATCH", about, {"reason": text, "self_service": text})
        program("PATCH", about, {"reason": "Case 4711", "scopes": [text]}, etag=text)
        program("POST", "requests", {"client_name": text, "purpose": text, "scopes": [text]})
        program("POST", "apis", {"identifier": text, "name": text, "description": {"en": text}, "reason": text})
        program("POST", "scopes", {"name": text, "api": text, "description": {"en": text}, "reason": text})
        program("POST", "issuers", {"name": text, "issuer": text, "reason": text})
