"""OAuth client libraries as their registries have them, used as documented, against a running Keydesk.

They differ in what they send: they encode the halves of Basic credentials each in its own way, name audiences
differently, leave a `kid` out or a `scope` empty.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import RSAKey
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError
from requests_oauthlib import OAuth2Session as RequestsOAuth2Session

from tests.e2e.support import registering
from tests.e2e.support.live import Live
from tokens.endpoints import example_api

NODE = Path(__file__).parents[1] / "node"
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
SCOPE = f"{example_api.SCOPE} {registering.ODD_SCOPE}"
# A hyphen and an underscore, which oauth4webapi sends as %2D and %5F and others as they are.
CLIENT_ID = "leie-stroom_7"


@dataclass(frozen=True)
class Registered:
    """A client with a secret and an RSA key, and the addresses of Keydesk."""

    server: str
    secret: str
    kid: str
    private_key: Path

    def url(self, endpoint: str) -> str:
        return f"{self.server}/oauth/v2/{endpoint}"

    def introspected(self, token: str) -> dict[str, Any]:
        answer = requests.post(self.url("introspect"), data={"token": token}, auth=(CLIENT_ID, self.secret), timeout=10)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def client(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    directory = tmp_path_factory.mktemp("client")
    key = RSAKey.generate_key(2048)
    (directory / "public.json").write_text(json.dumps(key.as_dict(private=False)))
    (directory / "private.pem").write_bytes(key.as_pem(private=True))
    scopes = registering.make_scopes(live)
    made = registering.register(
        live, "--scope", *scopes, "--default-scope", example_api.SCOPE, "--jwk", str(directory / "public.json")
    )  # fmt: skip
    live.sql("UPDATE clients_client SET client_id = %s WHERE client_id = %s", CLIENT_ID, made["client_id"])
    return Registered(live.url, made["client_secret"], made["kid"], directory / "private.pem")


def assert_granted(token: dict[str, Any], scope: str = SCOPE) -> None:
    assert token["token_type"].lower() == "bearer"
    assert token["expires_in"] == 3600
    assert set(token["scope"].split()) == set(scope.split())


# --- Python -----------------------------------------------------------------------------------------------------------


def authlib_session(client: Registered, method: str) -> OAuth2Session:
    if method != "private_key_jwt":
        return OAuth2Session(
            CLIENT_ID, client.secret, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method
        )
    # Its defaults: RS256, no kid, an hour of life. It names the address it calls as audience, which is the right one
    # at the token endpoint; at the others it has to be told (PROTOCOL A-12).
    to_token, to_others = PrivateKeyJWT(), PrivateKeyJWT(client.url("token"))
    return OAuth2Session(
        CLIENT_ID,
        client.private_key.read_text(),
        token_endpoint_auth_method=to_token,
        revocation_endpoint_auth_method=to_others,
    )


@pytest.mark.parametrize("method", METHODS)
def test_authlib_gets_and_revokes_a_token(client: Registered, method: str) -> None:
    session = authlib_session(client, method)
    token = session.fetch_token(client.url("token"), grant_type="client_credentials", scope=SCOPE)
    assert_granted(token)
    assert session.get(client.url("example"), timeout=10).status_code == 200
    assert client.introspected(token["access_token"])["active"]
    assert session.revoke_token(client.url("revoke"), token=token["access_token"]).status_code == 200
    assert client.introspected(token["access_token"]) == {"active": False}


def test_authlib_introspects_a_token(client: Registered) -> None:
    session = authlib_session(client, "client_secret_basic")
    token = session.fetch_token(client.url("token"), grant_type="client_credentials")
    answer = session.introspect_token(client.url("introspect"), token=token["access_token"]).json()
    assert (answer["active"], answer["client_id"], answer["scope"]) == (True, CLIENT_ID, example_api.SCOPE)


def test_authlib_understands_a_refusal(client: Registered) -> None:
    session = OAuth2Session(CLIENT_ID, "wrong")
    with pytest.raises(OAuthError, match="invalid_client"):
        session.fetch_token(client.url("token"), grant_type="client_credentials")


@pytest.mark.parametrize("in_body", [False, True])
def test_requests_oauthlib_gets_a_token_and_calls_an_api(
    client: Registered, in_body: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    session = RequestsOAuth2Session(client=BackendApplicationClient(CLIENT_ID, scope=SCOPE.split()))
    token = session.fetch_token(client.url("token"), client_secret=client.secret, include_client_id=in_body)
    assert_granted({**token, "scope": " ".join(token["scope"])})
    assert session.get(client.url("example"), timeout=10).status_code == 200


def test_requests_oauthlib_understands_a_refusal(client: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    session = RequestsOAuth2Session(client=BackendApplicationClient(CLIENT_ID))
    with pytest.raises(InvalidClientError):
        session.fetch_token(client.url("token"), client_secret="wrong")


# --- Node.js ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node() -> bool:
    """Return whether the libraries of package-lock.json are here; install them once per checkout.

    Without Node.js only a warning is given, but not in CI.
    """
    if missing := [tool for tool in ("node", "npm") if shutil.which(tool) is None]:
        complaint = f"{' and '.join(missing)} not installed here: the clients in {NODE.name}/ were not run"
        assert not os.environ.get("CI"), complaint
        warnings.warn(complaint, stacklevel=1)
        return False
    installed, wanted = NODE / "node_modules" / ".package-lock.json", NODE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return True


def run(client: Registered, library: str, **env: str) -> dict[str, Any]:
    """Return the library's token, or its report of a refusal."""
    given = {
        "SERVER": client.server,
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": client.secret,
        "PRIVATE_KEY": str(client.private_key),
        "KID": client.kid,
        "SCOPE": SCOPE,
    }
    done = subprocess.run(
        ["node", f"{library}.mjs"],
        cwd=NODE,
        env={**os.environ, **given, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("library", ["openid-client", "oauth4webapi"])
def test_a_certified_library_discovers_gets_introspects_and_revokes(
    node: bool, client: Registered, library: str, method: str
) -> None:
    if not node:
        return
    got = run(client, library, METHOD=method)
    assert "refusal" not in got, got
    assert_granted(got["token"])
    assert (got["before"]["active"], got["before"]["client_id"]) == (True, CLIENT_ID)
    assert got["before"]["iss"] == client.server
    assert got["after"] == {"active": False}


@pytest.mark.parametrize(("method", "encoding"), [
    ("client_secret_basic", "strict"), ("client_secret_basic", "loose"), ("client_secret_post", "strict"),
])  # fmt: skip
def test_simple_oauth2_gets_and_revokes_a_token(node: bool, client: Registered, method: str, encoding: str) -> None:
    if not node:
        return
    got = run(client, "simple-oauth2", METHOD=method, ENCODING=encoding)
    assert "refusal" not in got, got
    assert_granted(got["token"])
    assert client.introspected(got["token"]["access_token"]) == {"active": False}


@pytest.mark.parametrize(("asked", "granted"), [(SCOPE, SCOPE), ("", example_api.SCOPE)])
def test_client_oauth2_gets_what_it_asks_for_or_the_defaults(
    node: bool, client: Registered, asked: str, granted: str
) -> None:
    if not node:
        return
    got = run(client, "client-oauth2", SCOPE=asked)
    assert "refusal" not in got, got
    assert client.introspected(got["token"]["access_token"])["active"]
    assert set(got["token"]["scope"].split()) == set(granted.split())


CHALLENGE = [{"scheme": "basic", "parameters": {"realm": "Keydesk", "charset": "UTF-8"}}]
REFUSAL = {"error": "invalid_client", "error_description": "Client authentication failed."}


@pytest.mark.parametrize(("library", "method", "understood"), [
    ("openid-client", "client_secret_basic", CHALLENGE),
    ("openid-client", "client_secret_post", REFUSAL),
    ("oauth4webapi", "client_secret_basic", CHALLENGE),
    ("simple-oauth2", "client_secret_basic", REFUSAL),
    ("client-oauth2", "client_secret_basic", REFUSAL),
])  # fmt: skip
def test_a_library_understands_a_refusal(
    node: bool, client: Registered, library: str, method: str, understood: object
) -> None:
    if not node:
        return
    got = run(client, library, METHOD=method, CLIENT_SECRET="wrong")
    assert "refusal" in got, got
    if understood == REFUSAL:  # with where the reason is, which a library hands on
        assert got["cause"].pop("error_uri").startswith(f"{client.server}/why/")
    assert got["cause"] == understood
