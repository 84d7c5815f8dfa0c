"""The documentation's samples of renewal without hands (API M-18), run as their programs would run them.

Not run here: cert-manager, External Secrets and Terraform themselves. Of cert-manager the Secret that it mounts is
made; curl sends the HTTP requests of the other two as their files say.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from pytest_django import Settings

from portal.ui import samples
from portal.ui.samples.values import Values
from tests.e2e.support import registering
from tests.e2e.support.live import Live
from tests.e2e.support.registering import Registered
from tests.e2e.support.renewal import run, written
from tests.e2e.support.templates import webhook
from tests.support.keys import certificate_pem, new_ec, pem_of
from tokens.endpoints import example_api

NOT_RUN = "{} is not installed here, so it was not run: its file was read, and its part was played by this test"


@pytest.fixture(autouse=True)
def _samples_are_for_the_running_keydesk(live: Live, settings: Settings) -> None:
    settings.PUBLIC_URL = live.url


@pytest.fixture
def with_secret(live: Live) -> Registered:
    return registering.with_secret(live, registering.make_scopes(live))


def curl(method: str, url: str, headers: Mapping[str, str], body: str, *options: str) -> str:
    """The answer, which must be a success."""
    if shutil.which("curl") is None:
        warnings.warn("curl is not installed here: no HTTP request of the samples was sent", stacklevel=2)
        pytest.fail("curl is needed")
    fields = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    command = ["curl", "-s", "--fail-with-body", "-X", method, *fields, *options]
    done = subprocess.run([*command, "--data-binary", "@-", url], input=body, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def get_token(live: Live, client: Registered) -> None:
    form = f"grant_type=client_credentials&scope={example_api.SCOPE}"
    curl("POST", f"{live.url}/oauth/v2/token", {}, form, "--user", ":".join(client.basic))


def not_run(program: str) -> None:
    if shutil.which(program) is None:
        warnings.warn(NOT_RUN.format(program), stacklevel=2)


# --- In Kubernetes ----------------------------------------------------------------------------------------------------


def manifests(filename: str, values: Values) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(samples.render("renew_in_kubernetes", filename, values)))


def test_the_cron_job_registers_what_cert_manager_renewed(live: Live, with_secret: Registered, tmp_path: Path) -> None:
    """The container's command with its environment, the mounted folders being folders of this test."""
    not_run("cert-manager")
    parts = {part["kind"]: part for part in manifests("cert-manager.yaml", with_secret.values)}
    pod = parts["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]} == {"tls": "/tls", "key": "/key"}
    assert pod["volumes"][0]["secret"]["secretName"] == parts["Certificate"]["spec"]["secretName"]
    env = {each["name"]: each.get("value", with_secret.secret) for each in container["env"]}
    env = {name: value.replace("/key/", f"{tmp_path}/key/") for name, value in env.items()}
    command = [part.replace("/tls/", f"{tmp_path}/tls/") for part in container["command"]]
    (tmp_path / "key").mkdir()
    (tmp_path / "tls").mkdir()
    for days in (90, 90, 91):
        private = new_ec()
        (tmp_path / "tls" / "tls.key").write_bytes(pem_of(private))
        (tmp_path / "tls" / "tls.crt").write_bytes(certificate_pem(private, days=days, now=datetime.now(UTC)))
        assert (done := run(command, tmp_path, **env)).returncode == 0, done.stderr
        assert pem_of(private) in (tmp_path / "key" / "private.pem").read_bytes()
    assert with_secret.secret not in done.stdout + done.stderr


def test_external_secrets_replaces_the_secret(live: Live, with_secret: Registered) -> None:
    """Each Webhook generator's HTTP request, and what its ExternalSecret makes of the answer."""
    not_run("external-secrets")
    parts = {
        (part["kind"], part["metadata"]["name"]): part
        for part in manifests("external-secrets.yaml", with_secret.values)
    }
    secrets = {"keydesk-client": {"client_id": with_secret.values.client_id, "client_secret": with_secret.secret}}
    for name, target in (("keydesk-self-token", "keydesk-self-token"), ("keydesk-new-secret", "keydesk-client")):
        generator, wanted = parts["Webhook", name], parts["ExternalSecret", target]["spec"]
        assert wanted["dataFrom"][0]["sourceRef"]["generatorRef"]["name"] == name
        assert wanted["target"]["name"] == target
        answer = json.loads(curl(*webhook(generator, secrets)))
        secrets[target] = {**secrets.get(target, {}), **{key: str(value) for key, value in answer.items()}}
    template = parts["ExternalSecret", "keydesk-client"]["spec"]["target"]["template"]["data"]
    assert template == {"client_secret": "{{ .secret }}"}
    made = replace(with_secret, secret=secrets["keydesk-client"]["secret"])
    assert made.secret != with_secret.secret
    for each in (made, with_secret):  # the old one works on for two days
        auth = ("--user", f"{each.values.client_id}:{each.secret}")
        curl(
            "POST", f"{live.url}/oauth/v2/token", {}, f"grant_type=client_credentials&scope={example_api.SCOPE}", *auth
        )


# --- Tools ------------------------------------------------------------------------------------------------------------


def test_the_playbook_replaces_the_secret_and_shows_none(live: Live, with_secret: Registered, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(with_secret.secret + "\n")
    playbook = written("renew_by_tools", "keydesk-secret.yml", with_secret.values, tmp_path, {})
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    settings = {"ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
    done = run([ansible, "-vvv", str(playbook), "-e", f"secret_file={file}"], tmp_path, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    made = file.read_text().strip()
    assert made != with_secret.secret
    assert file.stat().st_mode & 0o777 == 0o600
    for secret in (made, with_secret.secret):
        assert secret not in done.stdout + done.stderr
    assert "kdt_" not in done.stdout + done.stderr
    get_token(live, replace(with_secret, secret=made))


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_terraform_registers_a_certificate_and_retires_the_one_before(
    live: Live, with_secret: Registered, tmp_path: Path, kind: str
) -> None:
    """The HTTP requests of `apply`, twice, as the provider's documentation says that it sends them."""
    not_run("terraform")
    plan = hcl2.loads(samples.render("renew_by_tools", "keydesk.tf", with_secret.values))
    provider = unquoted(
        plan["provider"][0]["restapi"] if "restapi" in plan["provider"][0] else plan["provider"][0]['"restapi"']
    )
    key = unquoted(next(iter(next(iter(plan["resource"][1].values())).values())))
    oauth = provider["oauth_client_credentials"][0]
    assert oauth["oauth_client_id"] == with_secret.values.client_id
    form = f"grant_type=client_credentials&scope={'+'.join(oauth['oauth_scopes'])}"
    basic = ("--user", f"{oauth['oauth_client_id']}:{with_secret.secret}")
    token = json.loads(curl("POST", oauth["oauth_token_endpoint"], {}, form, *basic))["access_token"]
    headers = {**provider["headers"], "Authorization": f"Bearer {token}"}
    script = written("renew_by_tools", "keydesk-proof.sh", with_secret.values, tmp_path, {})
    made = []
    for _ in range(2):
        options = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
        files = ["-nodes", "-keyout", "private.pem", "-out", "certificate.pem", "-days", "90", "-subj", "/CN=x"]
        assert run(["openssl", "req", "-x509", "-newkey", *options, *files], tmp_path).returncode == 0
        done = run(["sh", str(script)], tmp_path)
        assert done.returncode == 0, done.stderr
        proof = json.loads(done.stdout)["proof"]
        body = json.dumps({"certificate": (tmp_path / "certificate.pem").read_text(), "proof": proof})
        made.append(json.loads(curl("POST", provider["uri"] + key["path"], headers, body))[provider["id_attribute"]])
    curl("DELETE", provider["uri"] + key["destroy_path"].replace("{id}", made[0]), headers, "")
    shown = json.loads(curl("GET", f"{provider['uri']}/api/v1/self", headers, ""))["credentials"]
    assert {row["id"]: row["state"] for row in shown if row["type"] == "certificate"} == {
        made[0]: "retiring",
        made[1]: "active",
    }


def unquoted(value: Any) -> Any:
    """Value as python-hcl2 read it, without the quotation marks that it keeps around texts."""
    if isinstance(value, dict):
        return {unquoted(name): unquoted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [unquoted(each) for each in value]
    return json.loads(value) if isinstance(value, str) and value.startswith('"') else value
