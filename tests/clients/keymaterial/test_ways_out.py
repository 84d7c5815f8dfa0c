"""PROTOCOL K-29: who does what a refusal says has a key that is accepted."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

from clients import keymaterial
from clients.keymaterial import PublicKey
from portal.explanations.keys import explain_key
from tests.clients.keymaterial.support.making import (
    CA,
    NOW,
    SHA256,
    certificate,
    chain,
    common_name,
    der,
    ec_jwk,
    ec_key,
    ed_jwk,
    pem,
    refused,
    rsa_jwk,
)
from tests.clients.keymaterial.support.x5c import x5c


def after_the_command(data: bytes, directory: Path, *, before: str, after: str) -> tuple[PublicKey, ...]:
    """Return the result of reading `after`, made from `before` by the command in the refusal of `data`."""
    command = explain_key(refused(data)).command
    for tool in ("openssl", "jq"):
        if tool in command and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")  # a reader's tool and not ours; pytest's summary names the test
    (directory / before).write_bytes(data)
    private = ec_key("a").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "private.pem").write_bytes(private)
    subprocess.run(command, shell=True, cwd=directory, check=True, capture_output=True)
    return keymaterial.read((directory / after).read_bytes(), now=NOW)


def expired_issuer() -> list[x509.Certificate]:
    root = certificate(
        ec_key("root"), subject=common_name("Root"), extensions=[(CA, True)], not_after=NOW - timedelta(hours=1)
    )
    return [certificate(issuer=root.subject, signed_by=ec_key("root")), root]


@pytest.mark.parametrize(
    "made",
    [[*reversed(chain())], [chain()[0], chain()[2]], expired_issuer(), [*chain(10), certificate(ec_key("b"))]],
    ids=["leaf last", "gap", "expired issuer", "eleven"],
)
def test_ones_own_certificate_is_found_wherever_it_stands(made: list[x509.Certificate], tmp_path: Path) -> None:
    (key,) = after_the_command(pem(*made), tmp_path, before="chain.pem", after="certificate.pem")
    assert key.certificate is not None
    assert key.certificate.der in [der(one) for one in made]
    assert key.jwk["x"] == ec_jwk()["x"]


def test_a_signing_request_in_der_becomes_a_certificate(tmp_path: Path) -> None:
    builder = x509.CertificateSigningRequestBuilder(subject_name=common_name("x"))
    data = builder.sign(ec_key("a"), SHA256).public_bytes(Encoding.DER)
    private = ec_key("a").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "private.pem").write_bytes(private)
    (tmp_path / "request.csr").write_bytes(data)
    subprocess.run(explain_key(refused(data)).command, shell=True, cwd=tmp_path, check=True, capture_output=True)
    made = x509.load_pem_x509_certificate((tmp_path / "certificate.pem").read_bytes())
    assert keymaterial.read(pem(made), now=made.not_valid_before_utc)


@pytest.mark.parametrize(
    "wrong",
    [
        {"alg": "ES384"},
        {"kid": ""},
        {"key_ops": "verify"},
        {"x5c": x5c(der(certificate(ec_key("b"))))},
        {"x5c": "MII"},
        {"x5c": [pem(certificate()).decode()]},
        {"x5c": x5c(*map(der, expired_issuer()))},
        {"x5c": x5c(der(certificate())), "x5t": "AAAA"},
        {"iat": 10**30},
    ],
    ids=["alg", "kid", "key_ops", "x5c of another", "x5c cut off", "x5c in PEM", "expired issuer", "x5t", "number"],
)
@pytest.mark.parametrize("count", [0, 1, 2], ids=["key", "set of one", "set of two"])
def test_what_is_wrong_with_a_key_is_left_out_also_in_a_set(
    wrong: Mapping[str, object], count: int, tmp_path: Path
) -> None:
    bad = ec_jwk(**wrong)
    data = {0: bad, 1: {"keys": [bad]}, 2: {"keys": [ed_jwk(), bad]}}[count]
    keys = after_the_command(json.dumps(data).encode(), tmp_path, before="key.json", after="public.json")
    assert keys


@pytest.mark.parametrize(
    ("data", "left"),
    [
        ({"keys": [ec_jwk(), rsa_jwk(use="enc")]}, 1),
        ({"keys": [{"kty": "AKP", "pub": "AAAA"}, ec_jwk()]}, 1),
        ({"keys": [ec_jwk(kid="one"), ec_jwk(kid="two")]}, 1),
        ({"keys": [ec_jwk(kid="one"), ed_jwk(kid="one")]}, 2),
        ([ec_jwk(), ed_jwk()], 2),
    ],
    ids=["for encryption", "unknown type", "same key", "same kid", "list"],
)
def test_of_a_set_the_good_keys_are_left(data: object, left: int, tmp_path: Path) -> None:
    keys = after_the_command(json.dumps(data).encode(), tmp_path, before="key.json", after="public.json")
    assert len(keys) == left


@pytest.mark.parametrize("label", [b"", b"PKCS7", b"CERTIFICATE"])
def test_pkcs7_becomes_a_certificate(label: bytes, tmp_path: Path) -> None:
    data = pkcs7.serialize_certificates([certificate()], Encoding.PEM if label else Encoding.DER)
    data = data.replace(b" PKCS7", b" " + label)
    (key,) = after_the_command(data, tmp_path, before="client.p7b", after="certificate.pem")
    assert key.kind == "certificate"
