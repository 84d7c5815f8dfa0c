"""API M-18: how each credential is sent, as an authorization server reads it; signatures are verified by joserfc."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.jwk import import_key
from keydesk_cli.keys import jose, keyfile

from tests.cli.conftest import Ran
from tests.cli.support.stranger import Said, Stranger

TOKEN = "/oauth/v2/token"
CLIENT_ID = "k4m9xw2hz7ra"
KINDS: dict[str, Callable[[], jose.PrivateKey]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
ALGORITHMS = [
    *(("RSA", f"{family}{size}") for family in ("RS", "PS") for size in (256, 384, 512)),
    ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("Ed25519", "Ed25519"), ("Ed25519", "EdDSA"),
]  # fmt: skip
FORMATS = {"PKCS#8": PrivateFormat.PKCS8, "traditional": PrivateFormat.TraditionalOpenSSL}


def sent(stranger: Stranger, path: str = TOKEN) -> tuple[dict[str, str], dict[str, str]]:
    """Header fields and form of the last HTTP request to this path."""
    headers, body = [(headers, body) for _method, to, headers, body in stranger.seen if to == path][-1]
    return headers, {name: value for name, (value,) in parse_qs(body.decode()).items()}


def read(token: str, private: jose.PrivateKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWS whose signature fits the key."""
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    kinds: dict[type, Any] = {rsa.RSAPrivateKey: "RSA", ec.EllipticCurvePrivateKey: "EC"}
    kind = next((name for base, name in kinds.items() if isinstance(private, base)), "OKP")
    found = jws.deserialize_compact(token, import_key(pem, kind), algorithms=list(jose.ALGORITHMS))
    return dict(found.headers()), dict(json.loads(found.payload))


@pytest.mark.parametrize(("kind", "algorithm"), ALGORITHMS)
def test_an_assertion_is_signed_with_the_algorithm_that_was_named(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path, kind: str, algorithm: str
) -> None:
    private = KINDS[kind]()
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert (ran := keydesk("token", "--alg", algorithm)).status == 0, ran
    headers, form = sent(stranger)
    header, claims = read(form["client_assertion"], private)
    kid = keyfile.read(key, "--key").kid
    assert header == {"alg": algorithm, "typ": "client-authentication+jwt", "kid": kid}
    assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT_ID, CLIENT_ID, stranger.url)
    assert time.time() < claims["exp"] < time.time() + 300
    assert "Authorization" not in headers


def test_each_assertion_has_a_jti_of_its_own(stranger: Stranger, keydesk: Callable[..., Ran]) -> None:
    forms = [sent(stranger)[1] for _ in range(2) if keydesk("token").status == 0]
    assert forms[0]["client_assertion"] != forms[1]["client_assertion"]


def test_without_a_choice_it_is_the_first_algorithm_that_the_server_accepts(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path
) -> None:
    private = KINDS["RSA"]()
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    stranger.speaks(token_endpoint_auth_signing_alg_values_supported=["ES256", "PS512", "PS384"])
    assert keydesk("token").status == 0
    header, _claims = read(sent(stranger)[1]["client_assertion"], private)
    assert header["alg"] == "PS384"
    assert keydesk("token", "--alg", "RS256").error["code"] == "algorithm"


@pytest.mark.parametrize("form", FORMATS)
def test_a_key_is_read_in_the_forms_that_openssl_writes(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path, form: str
) -> None:
    private = KINDS["P-256"]()
    pem = private.private_bytes(Encoding.PEM, FORMATS[form], NoEncryption())
    key.write_bytes(b"Bag Attributes\r\n" + pem.replace(b"\n", b"\r\n"))
    assert (ran := keydesk("token")).status == 0, ran
    read(sent(stranger)[1]["client_assertion"], private)


def test_a_secret_is_sent_in_the_header_form_encoded(
    stranger: Stranger, keydesk: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("a:b%c +é\r\n")
    assert keydesk("token", "--secret-file", str(tmp_path / "secret")).status == 0
    headers, form = sent(stranger)
    pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == f"{CLIENT_ID}:a%3Ab%25c+%2B%C3%A9"
    assert set(form) == {"grant_type"}


def test_the_token_of_an_issuer_is_read_anew_and_sent_with_the_client_id(
    stranger: Stranger, keydesk: Callable[..., Ran], tmp_path: Path
) -> None:
    for token in ("eyJ.first.x", "eyJ.second.x"):
        (tmp_path / "token").write_text(token + "\n")
        assert keydesk("token", "--token-file", str(tmp_path / "token"), "--scope", "a.b").status == 0
        _headers, form = sent(stranger)
        assert form == {
            "grant_type": "client_credentials",
            "scope": "a.b",
            "client_id": CLIENT_ID,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": token,
        }


def test_two_credentials_are_one_too_many_and_options_come_before_the_environment(
    stranger: Stranger, keydesk: Callable[..., Ran], key: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("s")
    assert keydesk("token", KEYDESK_CLIENT_SECRET="s").error["code"] == "several_credentials"
    both = ("--key", str(key), "--secret-file", str(tmp_path / "secret"))
    assert keydesk("token", *both).error["code"] == "several_credentials"
    assert keydesk("token", KEYDESK_PRIVATE_KEY="").error["code"] == "missing_credential"
    assert stranger.seen == []
    assert keydesk("token", "--key", str(key), KEYDESK_CLIENT_SECRET="s").status == 0


def test_a_proof_says_what_keydesk_asks_of_it(stranger: Stranger, keydesk: Callable[..., Ran], key: Path) -> None:
    """API M-9: of a type of its own, by the new key, for this issuer and this client."""
    stranger.answers["/api/v1/self"] = Said({"credentials": []})
    stranger.answers["/api/v1/self/keys"] = Said({"id": "x", "kid": "y"}, 201)
    assert keydesk("rotate-key", "--overlap", "2d", "--label", "Pump 3").status == 0
    (body,) = (body for _method, path, _headers, body in stranger.seen if path == "/api/v1/self/keys")
    said = json.loads(body)
    header, claims = read(said.pop("proof"), keyfile.read(key, "--key").private)
    assert (header["typ"], claims["aud"], claims["sub"]) == ("keydesk-proof+jwt", stranger.url, CLIENT_ID)
    assert set(claims) == {"aud", "sub", "iat", "jti"}
    assert said.pop("jwk") == jose.public_jwk(keyfile.read(key, "--key").public)
    assert said == {"start": "first_use", "previous": "retire", "overlap": 172800, "label": "Pump 3"}
