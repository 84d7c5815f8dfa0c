"""PROFILE=fapi2: all that can be set for FAPI 2.0 and RFC 9700 (PROTOCOL R-5, A-9, A-12, I-24 and I-25)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from clients import keymaterial
from clients.acts import lifecycle
from clients.acts.credentials import client_secrets, keys
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW
from tests.tokens.support.wire import ISSUER, TOKEN_URL, Clock, Signer, Wire, basic, ec_key, process, public_jwk

pytestmark = pytest.mark.django_db(transaction=True)

ALGORITHMS = ("PS256", "ES256", "Ed25519", "EdDSA")
NAMES = (
    "CLIENT_SECRETS_ACCEPTED", "ASSERTION_ALGORITHMS", "ASSERTION_AUDIENCE_STRICT", "VERIFY_ACCEPTS_QUERY",
)  # fmt: skip


def settings_with(**env: str) -> Any:
    code = f"import json, portal.settings as s; print(json.dumps([getattr(s, name) for name in {NAMES}]))"
    command = [sys.executable, "-c", code]
    clean = {"PATH": os.environ["PATH"], "ENV_FILES": "", **env}
    return subprocess.run(command, env=clean, capture_output=True, text=True)


@pytest.fixture
def fapi2(settings: Any) -> Iterator[Wire]:
    settings.CLIENT_SECRETS_ACCEPTED, settings.ASSERTION_ALGORITHMS = False, ALGORITHMS
    settings.ASSERTION_AUDIENCE_STRICT, settings.VERIFY_ACCEPTS_QUERY = True, False
    with process(Clock()) as wire:
        yield wire


def signer(client: Any, wire: Wire, key: Any, algorithm: str) -> Signer:
    (public,) = keymaterial.read(json.dumps(public_jwk(key)).encode(), now=NOW)
    kid = keys.add(client=client, key=public, by=factories.SYSTEM, now=NOW).kid
    return Signer(client.client_id, key, wire.clock, algorithm, kid)


def ask(wire: Wire, signed: Signer, **claims: str) -> Any:
    form = signed.form(signed.assertion(**claims), grant_type="client_credentials")
    return wire.post("token", form)


def test_the_profile_decides_whatever_single_settings_say() -> None:
    assert json.loads(settings_with().stdout) == [True, None, False, True]
    weakened = {"ASSERTION_AUDIENCE_STRICT": "false", "VERIFY_ACCEPTS_QUERY": "true"}
    assert json.loads(settings_with(PROFILE="fapi2", **weakened).stdout) == [False, list(ALGORITHMS), True, False]


def test_a_profile_that_does_not_exist_is_refused_by_name() -> None:
    refused = settings_with(PROFILE="fapi3")
    assert refused.returncode != 0
    assert "PROFILE: give one of standard, fapi2" in refused.stderr


def test_a_secret_is_refused_and_its_reason_kept(fapi2: Wire) -> None:
    client, _none = factories.client()
    assert not client.secrets.exists(), "a new client gets none"
    refused = fapi2.token(basic(client.client_id, "kds_anything"))
    assert (refused.status, refused.error) == (401, "invalid_client")


def test_a_secret_from_before_the_profile_is_refused(settings: Any) -> None:
    client, secret = factories.client()
    settings.CLIENT_SECRETS_ACCEPTED = False
    with process(Clock()) as wire:
        refused = wire.token(basic(client.client_id, secret))
        assert (refused.error, wire.rule(refused)) == ("invalid_client", "secret_not_allowed")
    assert not client.accepts_secrets
    with pytest.raises(Refusal, match=Code.SECRETS_NOT_ACCEPTED):
        client_secrets.set_allowed(client=client, allowed=True, by=factories.SYSTEM, now=NOW)


def test_no_secret_is_made(fapi2: Wire) -> None:
    client, _none = factories.client()
    with pytest.raises(Refusal, match=Code.SECRETS_NOT_ACCEPTED):
        client_secrets.regenerate(
            client=client, replaces=None, overlap=client_secrets.OVERLAPS["0"][0], by=factories.SYSTEM, now=NOW
        )
    _client, secret = lifecycle.create(
        name="By command", organisation="-", contact=factories.lotte(), scopes=[factories.scope()],
        by=factories.SYSTEM, now=NOW,
    )  # fmt: skip
    assert secret == ""


def test_a_key_is_accepted_with_the_issuer_as_audience_alone(fapi2: Wire) -> None:
    client, _none = factories.client()
    signed = signer(client, fapi2, ec_key(), "ES256")
    assert ask(fapi2, signed, aud=ISSUER).status == 200
    refused = ask(fapi2, signed, aud=TOKEN_URL)
    assert (refused.error, fapi2.rule(refused)) == ("invalid_client", "audience")


def test_rs256_is_refused_where_the_same_key_signs_with_ps256(fapi2: Wire) -> None:
    client, _none = factories.client()
    key = RSAKey.generate_key(2048)
    signed = signer(client, fapi2, key, "RS256")
    refused = ask(fapi2, signed, aud=ISSUER)
    assert (refused.error, fapi2.rule(refused)) == ("invalid_client", "algorithm")
    signed.algorithm = "PS256"
    assert ask(fapi2, signed, aud=ISSUER).status == 200


def test_a_token_in_the_query_is_refused(fapi2: Wire) -> None:
    assert fapi2.get("verify", query="access_token=kdt_x").status == 401


def test_the_metadata_says_so(fapi2: Wire) -> None:
    described = fapi2.get("/.well-known/oauth-authorization-server").json
    for name in ("token", "introspection", "revocation"):
        assert described[f"{name}_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert described[f"{name}_endpoint_auth_signing_alg_values_supported"] == list(ALGORITHMS)
