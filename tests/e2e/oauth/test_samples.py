"""The documentation's samples for clients, run as a reader would run them, against a running Keydesk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest
import requests
from joserfc.jwk import ECKey, OKPKey, RSAKey
from pytest_django import Settings

from portal.ui import samples
from portal.ui.samples.values import Values
from tests.e2e.support import registering
from tests.e2e.support.live import Live
from tests.e2e.support.registering import Registered
from tokens.endpoints import example_api

# The runner of files with this ending, and its other needs.
RUNNERS = {
    ".sh": ["sh"],
    ".py": [sys.executable],
    ".java": ["java", "-XX:TieredStopAtLevel=1"],
    ".cs": ["dotnet", "run"],
    ".mjs": ["node"],
    ".go": ["go", "run"],
    ".php": ["php"],
}
NEEDS = {".sh": ("curl", "openssl", "perl")}
KEYS: dict[str, Callable[[], RSAKey | ECKey | OKPKey]] = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES512": lambda: ECKey.generate_key("P-521"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
}


@pytest.fixture(scope="module")
def scopes(live: Live) -> list[str]:
    return registering.make_scopes(live)


@pytest.fixture(scope="module")
def with_secret(live: Live, scopes: list[str]) -> Registered:
    return registering.with_secret(live, scopes)


@pytest.fixture(scope="module", params=KEYS)
def with_key(
    live: Live, scopes: list[str], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Registered:
    name = request.param
    return registering.with_key(live, KEYS[name](), name, scopes, tmp_path_factory.mktemp(name))


@pytest.fixture(autouse=True)
def _samples_are_for_the_running_keydesk(live: Live, settings: Settings) -> None:
    settings.PUBLIC_URL = live.url


def run(
    topic: str, filename: str, values: Values, directory: Path, **env: str
) -> subprocess.CompletedProcess[str] | None:
    """The finished sample; None, and a warning in pytest's summary, when its tool is not on this machine."""
    ending = PurePath(filename).suffix
    command = RUNNERS[ending]
    for tool in (command[0], *NEEDS.get(ending, ())):
        if shutil.which(tool) is None:
            warnings.warn(f"{tool} is not installed here: {topic}/{filename} was not run", stacklevel=2)
            return None
    (directory / filename).write_text(samples.render(topic, filename, values))
    return subprocess.run(
        [*command, filename], cwd=directory, env={**os.environ, **env}, capture_output=True, text=True, timeout=120
    )


def scopes_of(live: Live, token: str, owner: Registered) -> set[str]:
    """Return the introspection of the token, which must be active."""
    answer = requests.post(
        f"{live.url}/oauth/v2/introspect",
        data={"token": token},
        auth=owner.basic,
        timeout=10,
    ).json()
    assert answer["active"], answer
    return set(answer["scope"].split())


FILES = [sample.filename for sample in samples.GET_TOKEN]


@pytest.mark.parametrize("filename", FILES)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_sample_gets_a_token_with_the_secret(
    live: Live, with_secret: Registered, scopes: list[str], method: str, filename: str, tmp_path: Path
) -> None:
    done = run(method, filename, with_secret.values, tmp_path, KEYDESK_CLIENT_SECRET=with_secret.secret)
    if done is None:
        return
    assert done.returncode == 0, done.stderr
    assert scopes_of(live, json.loads(done.stdout)["access_token"], with_secret) == set(scopes)
    assert with_secret.secret not in done.stdout + done.stderr


@pytest.mark.parametrize("filename", FILES)
def test_a_sample_gets_a_token_with_a_key(
    live: Live, with_key: Registered, scopes: list[str], filename: str, tmp_path: Path
) -> None:
    if filename not in [sample.filename for sample in samples.offered("private_key_jwt", with_key.values)]:
        return  # the page does not offer it for this kind of key
    env = {"KEYDESK_PRIVATE_KEY": str(with_key.private_key)}
    done = run("private_key_jwt", filename, with_key.values, tmp_path, **env)
    if done is None:
        return
    assert done.returncode == 0, done.stderr
    assert scopes_of(live, json.loads(done.stdout)["access_token"], with_key) == set(scopes)


@pytest.mark.parametrize("filename", FILES)
def test_a_refused_sample_fails_and_says_why(
    live: Live, with_secret: Registered, filename: str, tmp_path: Path
) -> None:
    done = run("client_secret_basic", filename, with_secret.values, tmp_path, KEYDESK_CLIENT_SECRET="wrong")
    if done is None:
        return
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "401" in said
    assert "invalid_client" in said
    assert "request" in said.lower(), "without the request's id nobody finds it in the journal"


CALLS = [sample.filename for sample in samples.TOPICS["call_api"]]


@pytest.mark.usefixtures("scopes")
@pytest.mark.parametrize("filename", CALLS)
def test_a_sample_calls_an_api_with_one_token_for_all_calls(live: Live, filename: str, tmp_path: Path) -> None:
    caller = registering.with_secret(live, [example_api.SCOPE])
    env = {"KEYDESK_CLIENT_SECRET": caller.secret}
    if filename == "call-api.sh":
        first = run("client_secret_basic", "get-token.sh", caller.values, tmp_path, **env)
        if first is None:
            return
        env = {"KEYDESK_TOKEN": json.loads(first.stdout)["access_token"]}
    calls_with_one_token(live, filename, caller.values, tmp_path, env)


@pytest.mark.usefixtures("scopes")
@pytest.mark.parametrize("filename", CALLS)
@pytest.mark.parametrize("algorithm", KEYS)
def test_a_sample_calls_an_api_with_a_key(live: Live, algorithm: str, filename: str, tmp_path: Path) -> None:
    values = Values(algorithm=algorithm, method="private_key_jwt")
    if filename == "call-api.sh" or filename not in [each.filename for each in samples.offered("call_api", values)]:
        return  # the one for the shell takes a token, and others are not offered for this kind of key
    caller = registering.with_key(live, KEYS[algorithm](), algorithm, [example_api.SCOPE], tmp_path)
    calls_with_one_token(live, filename, caller.values, tmp_path, {})


def calls_with_one_token(live: Live, filename: str, values: Values, directory: Path, env: dict[str, str]) -> None:
    done = run("call_api", filename, values, directory, **env)
    if done is None:
        return
    assert done.returncode == 0, done.stderr
    assert "It works." in done.stdout
    issued = "SELECT count(*) FROM tokens_token t JOIN clients_client c ON c.id = t.client_id WHERE c.client_id = %s"
    assert live.sql(issued, values.client_id) == [(1,)]


def test_a_resource_server_asks_about_a_token_with_curl(live: Live, with_secret: Registered, tmp_path: Path) -> None:
    env = {"KEYDESK_CLIENT_SECRET": with_secret.secret}
    got = run("client_secret_basic", "get-token.sh", with_secret.values, tmp_path, **env)
    if got is None:
        return
    token = json.loads(got.stdout)["access_token"]
    asked = run("resource_server", "introspect.sh", with_secret.values, tmp_path, KEYDESK_TOKEN=token, **env)
    assert asked is not None
    assert json.loads(asked.stdout)["client_id"] == with_secret.values.client_id
