"""The proxies of deploy/proxies/, each started for real before a real `web` and a real `tokens`."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import connection

from dev.servers import sockets, stack
from dev.servers.processes import Process, start, wait_until
from dev.servers.sockets import free_port
from tests.tokens.support.connected import eventually

pytestmark = pytest.mark.django_db  # without it no test database is made for the processes

PROXIES = stack.ROOT / "deploy" / "proxies"
HOST = "keydesk.example"
PACKAGES = {
    "nginx": ["nginx"],
    "caddy": ["caddy"],
    "haproxy": ["haproxy", "liblua5.4-0", "libopentracing-c-wrapper0t64", "libopentracing1"],
}
FORGED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Request-Id": "forged"}


@dataclass
class Keydesk:
    """The two processes behind a proxy, and what they log."""

    directory: Path
    web: int
    tokens: int
    operations: dict[str, int]

    def lines(self, process: str, logger: str) -> list[dict[str, object]]:
        text = (self.directory / f"{process}.log").read_text()
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in found if line.get("logger") == logger]


@pytest.fixture(scope="module")
def keydesk(django_db_setup: None) -> Iterator[Keydesk]:
    database = urlsplit(os.environ["DATABASE_URL"])
    path = database.path.rpartition("/")[0] + "/" + connection.settings_dict["NAME"]
    directory, running = sockets.temporary_directory("proxied"), []
    operations = {"web": free_port(), "tokens": free_port()}
    env = {**os.environ, "DATABASE_URL": database._replace(path=path).geturl()}
    env |= {"PUBLIC_URL": f"https://{HOST}", "TRUSTED_PROXY_COUNT": "1", "LOG_LEVEL": "INFO"}
    made = Keydesk(directory, free_port(), free_port(), operations)
    commands = {"web": ["portal.serving.cli", made.web], "tokens": ["tokens.serving.cli", made.tokens]}
    try:
        for name, (module, port) in commands.items():
            command = [sys.executable, "-m", str(module), "--host", stack.HOST, "--port", str(port)]
            own = env | {"OPERATIONS_PORT": str(operations[name])}
            running.append(start(name, command, env=own, cwd=stack.ROOT, log=directory / f"{name}.log"))
            stack.wait_until_ready(running[-1], port=int(port), operations_port=operations[name])
        yield made
    finally:
        for process in running:
            process.stop()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for keydesk.example, in the files that the three proxies want."""
    directory, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "fullchain.pem").write_bytes(certificate)
    (directory / "privkey.pem").write_bytes(private)
    (directory / "keydesk.pem").write_bytes(certificate + private)
    return directory


@pytest.fixture(params=PACKAGES)
def proxy(request: pytest.FixtureRequest, keydesk: Keydesk, tls: Path, tmp_path: Path) -> Iterator[int]:
    """The proxy, with the file of deploy/ but for ports and the place of the certificate."""
    name, port = request.param, free_port()
    command = [".ci/deb", name, *PACKAGES[name]]
    binary = subprocess.run(command, cwd=stack.ROOT, capture_output=True, text=True, check=True).stdout.strip()
    file = tmp_path / {"nginx": "nginx.conf", "caddy": "Caddyfile", "haproxy": "haproxy.cfg"}[name]
    text = (PROXIES / file.name).read_text()
    places = {
        "127.0.0.1:8000": f"127.0.0.1:{keydesk.web}", "127.0.0.1:8001": f"127.0.0.1:{keydesk.tokens}",
        "port 9000": f"port {keydesk.operations['web']}", "port 9001": f"port {keydesk.operations['tokens']}",
        "/etc/keydesk/tls": str(tls),
        "listen 443": f"listen {port}", "listen [::]:443": f"listen [::]:{port}", ":::443": f":::{port}",
        "keydesk.example {": f"https://keydesk.example:{port} {{",
    }  # fmt: skip
    for written, real in places.items():
        text = text.replace(written, real)
    process = launch(name, binary, file, text)
    try:
        wait_until(lambda: answers(port, tls), process, seconds=20)
        yield port
    finally:
        process.stop()


def launch(name: str, binary: str, file: Path, text: str) -> Process:
    env = {"PATH": os.environ["PATH"], "HOME": str(file.parent)}
    if name == "nginx":
        (file.parent / "tmp").mkdir(mode=0o700)
        here = "".join(f"{kind}_temp_path tmp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = f"pid nginx.pid; daemon off; user root; events {{}} http {{ access_log off; {here}\n{text} }}"
        command = [binary, "-p", str(file.parent), "-e", "stderr", "-c", str(file)]
    elif name == "caddy":
        text = "{\nadmin off\nauto_https disable_redirects\n}\n" + text
        command = [binary, "run", "--config", str(file), "--adapter", "caddyfile"]
    else:
        libraries = stack.ROOT / ".local" / "debian" / "usr" / "lib"
        env["LD_LIBRARY_PATH"] = ":".join(str(path.parent) for path in libraries.glob("*/liblua5.4.so.0"))
        command = [binary, "-db", "-f", str(file)]
    file.write_text(text)
    return start(name, command, env=env, cwd=file.parent, log=file.parent / f"{name}.log")


def ask(port: int, tls: Path, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    trust = ssl.create_default_context(cafile=str(tls / "fullchain.pem"))
    with closing(HTTPSConnection(stack.HOST, port, context=trust, timeout=5)) as link:
        link.sock = trust.wrap_socket(link._create_connection((stack.HOST, port), 5), server_hostname=HOST)  # type: ignore[attr-defined]
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        link.request("POST" if body is not None else "GET", path, body, {"Host": HOST, **form, **headers})
        answer = link.getresponse()
        return answer.status, answer.read().decode()


def answers(port: int, tls: Path) -> bool:
    try:
        return ask(port, tls, "/request/")[0] == 200
    except OSError:
        return False


def test_pages_and_tokens_are_answered_by_their_own_process(proxy: int, keydesk: Keydesk, tls: Path) -> None:
    before = len(keydesk.lines("tokens", "tokens.access"))
    status, page = ask(proxy, tls, "/request/")
    assert (status, "<form" in page) == (200, True)
    status, body = ask(proxy, tls, "/oauth/v2/token", "grant_type=client_credentials&client_id=x&client_secret=y")
    assert (status, json.loads(body)["error"]) == (400, "invalid_client")
    status, body = ask(proxy, tls, "/.well-known/oauth-authorization-server")
    assert (status, json.loads(body)["issuer"]) == (200, f"https://{HOST}")
    assert eventually(lambda: len(keydesk.lines("tokens", "tokens.access")) - before == 2)


def test_what_a_client_says_of_itself_is_replaced(proxy: int, keydesk: Keydesk, tls: Path) -> None:
    assert ask(proxy, tls, "/request/?forged", **FORGED)[0] == 200
    ask(proxy, tls, "/oauth/v2/token", "grant_type=client_credentials", **FORGED)
    for process, logger in (("web", "portal.access"), ("tokens", "tokens.access")):
        assert eventually(lambda: keydesk.lines(process, logger))  # noqa: B023  (called at once)
        for line in keydesk.lines(process, logger):
            assert line["address"] == "127.0.0.1"
            assert line["request_id"] != "forged"


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_health_and_metrics_are_not_reached_from_outside(proxy: int, tls: Path, path: str) -> None:
    assert ask(proxy, tls, path)[0] == 404


def test_an_assertion_of_the_longest_length_passes(proxy: int, tls: Path) -> None:
    body = "grant_type=client_credentials&client_assertion=" + "a" * 16_000
    status, answer = ask(proxy, tls, "/oauth/v2/token", body)
    assert (status, json.loads(answer)["error"]) == (400, "invalid_request")
