"""The commands of issuers and of addresses of keys (API M-13): an operator needs no colleague."""

from __future__ import annotations

import json

import pytest

from audit.models import Entry
from clients.models import Issuer, JwksUri
from tests.portal.management.running import refused, run
from tests.support import factories
from tests.support.keys import jwk_of, new_ec

pytestmark = pytest.mark.django_db


def create(*more: str) -> tuple[str, ...]:
    return ("create_issuer", "GitLab", "--issuer", "https://gitlab.example", *more)


def test_an_issuer_is_registered_enabled_and_switched():
    answer = run(*create("--audience", "api://own", "--max-lifetime", "7200"))
    assert answer == {
        "name": "GitLab", "issuer": "https://gitlab.example", "audience": "api://own", "max_lifetime": 7200, "keys": 0
    }  # fmt: skip
    assert run("disable_issuer", "GitLab", "--reason", "Leaked")["state"] == "disabled"
    assert (Entry.objects.first().action, Entry.objects.first().note) == ("issuer.disabled", "Leaked")
    assert "disabled already" in refused("disable_issuer", "GitLab")
    assert run("enable_issuer", "GitLab")["state"] == "enabled"
    assert "enabled already" in refused("enable_issuer", "GitLab")
    assert "There is no issuer" in refused("enable_issuer", "GitHub")


def test_its_keys_come_from_a_file(tmp_path):
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [jwk_of(new_ec(), kid="cluster")]}))
    assert run(*create("--jwks", str(file)))["keys"] == 1
    file.write_text("[]")
    assert "no JSON Web Key Set" in refused(
        "create_issuer", "Other", "--issuer", "https://b.example", "--jwks", str(file)
    )
    assert "cannot be read" in refused("create_issuer", "Other", "--issuer", "https://b.example", "--jwks", "/nowhere")


def test_what_cannot_be_one_is_refused():
    assert "https://" in refused("create_issuer", "A", "--issuer", "http://a.example")
    assert refused(*create("--max-lifetime", "59"))
    run(*create())
    assert "There is an issuer" in refused(*create())
    assert Issuer.objects.count() == 1


def test_an_address_of_keys_is_followed():
    client, _secret = factories.client()
    answer = run("add_jwks_uri", "--client", client.client_id, "--url", "https://a.example/keys")
    assert answer == {"client_id": client.client_id, "url": "https://a.example/keys"}
    assert JwksUri.objects.in_use().get().client == client
    assert "already" in refused("add_jwks_uri", "--client", client.client_id, "--url", "https://b.example/keys")
    assert "There is no client" in refused("add_jwks_uri", "--client", "nobody", "--url", "https://b.example/keys")
