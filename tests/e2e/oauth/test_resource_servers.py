"""The documentation's samples for resource servers, in front of an API of their own, asking a running Keydesk."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import time_machine
from pytest_django import Settings

from dev.servers import stack
from dev.servers.processes import Process, start, wait_until
from dev.servers.sockets import free_port
from portal.ui import samples
from tests.e2e.support import registering
from tests.e2e.support.live import Live
from tests.e2e.support.registering import ODD_SCOPE, Registered
from tokens.endpoints import example_api

SCOPE = example_api.SCOPE
# The code that a reader would write around the middleware: an API that tells its caller the caller's identity.
WSGI = f"""
from keydesk_wsgi import requires
def api(environ, start_response):
    start_response("200 OK", [])
    return [environ["keydesk.client_id"].encode()]
application = requires({SCOPE!r}, api)
"""
ASGI = f"""
from keydesk_asgi import requires
async def api(scope, receive, send):
    if scope["type"] == "http":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": scope["keydesk.client_id"].encode()}})
application = requires({SCOPE!r}, api)
"""
DJANGO = f"""
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse(request.keydesk_client_id))]
settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=["keydesk_django.middleware"], KEYDESK_SCOPE={SCOPE!r}
)
application = get_wsgi_application()
"""
BEHIND_NGINX = """
def application(environ, start_response):
    start_response("200 OK", [])
    return [environ["HTTP_X_CLIENT_ID"].encode()]
"""
NGINX = """
pid nginx.pid; daemon off; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{ listen 127.0.0.1:{port}; {sample} }}
}}
"""


@dataclass(frozen=True)
class Callers:
    """Tokens as they reach the API: one that may, and one of the same client without the scope."""

    client: Registered
    good: str
    without_scope: str


@pytest.fixture(scope="module")
def resource_server(live: Live) -> Registered:
    registering.make_scopes(live)
    made = registering.register(live, "--serves-api", "example")
    return Registered(registering.Values(client_id=made["client_id"], served_scope=SCOPE), made["client_secret"])


@pytest.fixture(scope="module")
def callers(live: Live) -> Callers:
    client = registering.with_secret(live, registering.make_scopes(live))
    return Callers(client, good=token(live, client, SCOPE), without_scope=token(live, client, ODD_SCOPE))


def token(live: Live, client: Registered, scope: str) -> str:
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = requests.post(f"{live.url}/oauth/v2/token", data=form, auth=client.basic, timeout=10)
    return str(answer.json()["access_token"])


@pytest.fixture
def directory(live: Live, resource_server: Registered, settings: Settings, tmp_path: Path) -> Path:
    """All the samples, filled in as for the one who runs the API."""
    settings.PUBLIC_URL = live.url
    for sample in samples.TOPICS["resource_server"]:
        text = samples.render("resource_server", sample.filename, resource_server.values)
        (tmp_path / sample.filename).write_text(text)
    return tmp_path


def serve(directory: Path, module: str, resource_server: Registered, interface: str = "wsgi") -> tuple[Process, int]:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1", "--port", str(port)]
    env = {**os.environ, "PYTHONPATH": str(directory), "KEYDESK_CLIENT_SECRET": resource_server.secret}
    log = directory / f"{module}.log"
    process = start(module, [*command, f"{module}:application"], env=env, cwd=directory, log=log)
    wait_until(lambda: answers(port), process, seconds=20)
    return process, port


def answers(port: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{port}/", timeout=2)
    except requests.ConnectionError:
        return False
    return True


def assert_is_guarded(url: str, callers: Callers) -> None:
    """The rules of RFC 6750 section 3, as the documentation tells them."""

    def call(authorization: str = "") -> requests.Response:
        return requests.get(url, headers={"Authorization": authorization} if authorization else {}, timeout=10)

    refusals = {
        "": "Bearer",
        "Basic eDp5": "Bearer",
        "Bearer nonsense": 'Bearer error="invalid_token"',
        f"Bearer {callers.good}x": 'Bearer error="invalid_token"',
    }
    for authorization, challenge in refusals.items():
        refused = call(authorization)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, challenge)
    lacking = call(f"Bearer {callers.without_scope}")
    assert lacking.status_code == 403
    assert lacking.headers["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{SCOPE}"'
    for scheme in ("Bearer", "bearer"):
        welcome = call(f"{scheme} {callers.good}")
        assert (welcome.status_code, welcome.text) == (200, callers.client.values.client_id)
    # An identity claimed in a header is not believed.
    headers = {"X-Client-Id": "somebody", "Authorization": f"Bearer {callers.good}"}
    forged = requests.get(url, headers=headers, timeout=10)
    assert forged.text == callers.client.values.client_id


@pytest.mark.parametrize(("source", "interface"), [(WSGI, "wsgi"), (ASGI, "asgi"), (DJANGO, "wsgi")])
def test_an_api_behind_the_middleware_lets_in_whom_keydesk_vouches_for(
    directory: Path, resource_server: Registered, callers: Callers, source: str, interface: str
) -> None:
    (directory / "api.py").write_text(source)
    process, port = serve(directory, "api", resource_server, interface)
    try:
        assert_is_guarded(f"http://127.0.0.1:{port}/", callers)
    finally:
        process.stop()


def test_an_api_behind_nginx_lets_in_whom_keydesk_vouches_for(
    directory: Path, resource_server: Registered, callers: Callers
) -> None:
    find = [".ci/deb", "nginx", "nginx"]
    nginx = subprocess.run(find, cwd=stack.ROOT, capture_output=True, text=True, check=True).stdout.strip()
    (directory / "api.py").write_text(BEHIND_NGINX)
    running = []
    try:
        api, api_port = serve(directory, "api", resource_server)
        running.append(api)
        gate, gate_port = serve(directory, "keydesk_gate", resource_server)
        running.append(gate)
        port, sample = free_port(), (directory / "nginx.conf").read_text()
        for written, real in (("127.0.0.1:8080", api_port), ("127.0.0.1:8090", gate_port)):
            sample = sample.replace(written, f"127.0.0.1:{real}")
        (directory / "whole.conf").write_text(NGINX.format(port=port, sample=sample))
        command = [nginx, "-p", str(directory), "-e", "stderr", "-c", str(directory / "whole.conf")]
        proxy = start("nginx", command, log=directory / "nginx.log")
        running.append(proxy)
        wait_until(lambda: answers(port), proxy, seconds=10)
        assert_is_guarded(f"http://127.0.0.1:{port}/addresses/", callers)
    finally:
        for process in reversed(running):
            process.stop()


# --- What is remembered, and what happens when Keydesk is away --------------------------------------------------------


@pytest.fixture
def module(directory: Path, resource_server: Registered, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(directory)
    monkeypatch.setenv("KEYDESK_CLIENT_SECRET", resource_server.secret)
    yield importlib.import_module("keydesk_introspection")
    del sys.modules["keydesk_introspection"]


def test_a_revoked_token_is_out_when_the_answer_is_forgotten(live: Live, module: Any, callers: Callers) -> None:
    fresh = token(live, callers.client, SCOPE)
    assert module.check(f"Bearer {fresh}", SCOPE)[0] == 200
    revoked = requests.post(f"{live.url}/oauth/v2/revoke", data={"token": fresh}, auth=callers.client.basic, timeout=10)
    assert revoked.status_code == 200
    assert module.check(f"Bearer {fresh}", SCOPE)[0] == 200, "remembered: one question less"
    with time_machine.travel(module.time.time() + module.CACHE_SECONDS + 1):
        assert module.check(f"Bearer {fresh}", SCOPE)[0] == 401


def test_nobody_gets_in_while_keydesk_does_not_answer(module: Any, callers: Callers) -> None:
    module.INTROSPECTION_URL = "http://127.0.0.1:9/oauth/v2/introspect"
    assert module.check(f"Bearer {callers.good}", SCOPE)[0] == 503


def test_nobody_gets_in_when_the_resource_server_itself_is_refused(module: Any, callers: Callers) -> None:
    module.CLIENT_SECRET = "wrong"
    assert module.check(f"Bearer {callers.good}", SCOPE)[0] == 503


def test_the_memory_of_answers_stays_bounded(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module.CACHE_SIZE = 3
    for number in range(10):
        assert module.check(f"Bearer nonsense{number}", SCOPE)[0] == 401
    assert len(module._cache) <= 3
