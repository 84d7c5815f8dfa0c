"""A pipeline that replaces its key over HTTP: a token, a new key with its proof, a token with the new key."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jws
from joserfc.jwk import RSAKey

from tests.e2e.support import registering
from tests.e2e.support.live import Live
from tokens.endpoints import example_api


def token_by(live: Live, client_id: str, key: RSAKey) -> str:
    url = f"{live.url}/oauth/v2/token"
    session = OAuth2Session(client_id, key.as_pem(private=True).decode(), token_endpoint_auth_method=PrivateKeyJWT(url))
    return str(session.fetch_token(url, grant_type="client_credentials", scope="keydesk.self")["access_token"])


def call(live: Live, method: str, path: str, token: str, body: Any = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{live.url}/api/v1/{path}", headers=headers, json=body, timeout=10)


def test_a_pipeline_replaces_its_key_and_goes_on_with_the_new_one(live: Live, tmp_path: Path) -> None:
    old, new = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
    (tmp_path / "public.json").write_text(json.dumps(old.as_dict(private=False)))
    made = registering.register(
        live, "--scope", *registering.make_scopes(live), "--default-scope", example_api.SCOPE,
        "--jwk", str(tmp_path / "public.json"),
    )  # fmt: skip
    client_id = made["client_id"]
    token = token_by(live, client_id, old)
    claims = {"aud": live.url, "sub": client_id, "iat": int(time.time()), "jti": uuid.uuid4().hex}
    proof = jws.serialize_compact({"typ": "keydesk-proof+jwt", "alg": "RS256"}, json.dumps(claims).encode(), new)
    body = {"jwk": new.as_dict(private=False), "proof": proof, "previous": "retire", "overlap": 0}
    added = call(live, "POST", "self/keys", token, body)
    assert added.status_code == 201, added.text
    shown = call(live, "GET", "self", token_by(live, client_id, new)).json()
    keys = [row["id"] for row in shown["credentials"] if row["type"] == "jwk"]
    assert keys == [added.json()["id"]]
    assert requests.get(f"{live.url}/api/v1/openapi.json", timeout=10).json()["openapi"].startswith("3.1")
