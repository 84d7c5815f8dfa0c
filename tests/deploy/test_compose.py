"""docker-compose.yml and the scripts beside it: each service has what it needs, and no more."""

import shutil
import subprocess
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation import VERSION

ROOT = Path(__file__).resolve().parent.parent.parent
APPLICATION = {"database_url", "secret_key", "secrets_keys", "log_verifier_keys", "broker_url", "cache_url"}
# Secrets by service: a stolen `tokens`, which faces the Internet, opens no client secret and signs nothing.
SECRETS = {
    "web": APPLICATION,
    "tokens": {"tokens_database_url", "cache_url"},
    "worker": APPLICATION - {"secrets_keys"},
    "signer": {"signer_database_url", "log_signing_keys", "broker_url"},
    "check": APPLICATION | {"log_signing_keys"},
    "migrate": {"owner_database_url"},
    "grants": {"owner_database_url"},
    "postgres": {"owner_password", "app_password", "tokens_password", "signer_password"},
    "valkey": {"valkey_password"},
}
NETWORKS = {
    "web": {"edge", "database", "queue"},
    "tokens": {"edge", "database", "queue"},
    "worker": {"edge", "database", "queue"},
    "signer": {"database", "queue"},
    "migrate": {"database"},
    "grants": {"database"},
    "postgres": {"database"},
    "valkey": {"queue"},
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def made_secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that deploy/compose/make-secrets.sh makes."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "deploy" / "compose").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/compose/make-secrets.sh", checkout / "deploy/compose")
    subprocess.run(["sh", checkout / "deploy/compose/make-secrets.sh"], check=True)
    return checkout / "secrets"


def test_each_service_has_the_secrets_it_needs_and_no_others(compose):
    assert {name: set(service.get("secrets", [])) for name, service in compose["services"].items()} == SECRETS


def test_one_version_stands_everywhere(compose):
    """pyproject.toml has it; what cannot read it there, says the same."""
    assert compose["x-keydesk"]["image"] == f"${{KEYDESK_IMAGE:-keydesk}}:${{KEYDESK_VERSION:-{VERSION}}}"
    assert compose["services"]["check"]["build"]["args"]["VERSION"] == f"${{KEYDESK_VERSION:-{VERSION}}}"
    assert f"\nARG VERSION={VERSION}\n" in (ROOT / "Dockerfile").read_text()


def test_a_variable_names_a_secret_that_the_service_has(compose):
    for name, service in compose["services"].items():
        files = {
            str(value).removeprefix("/run/secrets/")
            for variable, value in service.get("environment", {}).items()
            if variable.endswith("_FILE")
        }
        assert files <= set(service.get("secrets", [])), name


def test_valkey_and_postgresql_are_reached_only_by_who_uses_them(compose):
    networks = {name: set(service.get("networks", [])) for name, service in compose["services"].items()}
    assert networks.pop("check") == set()
    assert compose["services"]["check"]["network_mode"] == "none"
    assert networks == NETWORKS
    assert compose["networks"]["database"] == compose["networks"]["queue"] == {"internal": True}


def test_every_service_is_bounded_and_unprivileged(compose):
    for name, service in compose["services"].items():
        assert service["logging"]["options"]["max-size"], name
        if service.get("restart") != "no":
            assert service["mem_limit"], name
            assert service["pids_limit"], name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name


def test_valkey_wants_a_password(compose):
    assert "--requirepass" in compose["services"]["valkey"]["command"]


def test_the_script_makes_every_file_that_the_services_want(compose, made_secrets):
    wanted = {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert {file.name for file in made_secrets.iterdir()} == wanted


def test_the_verifier_key_that_the_script_makes_fits_the_signing_key(made_secrets):
    signing, seed = (made_secrets / "log_signing_keys").read_text().split(":")
    verifier, public = (made_secrets / "log_verifier_keys").read_text().split(":")
    key = Ed25519PrivateKey.from_private_bytes(urlsafe_b64decode(f"{seed}=")).public_key()
    assert signing == verifier
    assert urlsafe_b64decode(f"{public}=") == key.public_bytes_raw()


def test_the_urls_that_the_script_makes_carry_the_passwords(made_secrets):
    read = {file.name: file.read_text() for file in made_secrets.iterdir()}
    for role, url in {"app": "database_url", "tokens": "tokens_database_url", "signer": "signer_database_url"}.items():
        assert read[url] == f"postgres://keydesk_{role}:{read[f'{role}_password']}@postgres:5432/keydesk"
    assert read["broker_url"] == f"redis://:{read['valkey_password']}@valkey:6379/0"
