"""Proof of possession: signatures as people's tools make them, and nothing else."""

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from joserfc.jwk import ECKey, OKPKey, RSAKey

from clients.keymaterial import is_signed_by

MESSAGE = b"9b2f:1wQ:sig"
MAKE = {
    "RSA": lambda: RSAKey.generate_key(2048),
    "P-256": lambda: ECKey.generate_key("P-256"),
    "P-521": lambda: ECKey.generate_key("P-521"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
}
DIGEST = "openssl dgst -sha256 -sign private.pem challenge.txt | openssl base64 -A"
RAW = "openssl pkeyutl -sign -inkey private.pem -rawin -in challenge.txt | openssl base64 -A"


@pytest.mark.parametrize(
    ("kind", "command"), [("RSA", DIGEST), ("P-256", DIGEST), ("P-521", DIGEST), ("RSA", RAW), ("Ed25519", RAW)]
)
def test_what_openssl_signs_is_a_proof(kind: str, command: str, tmp_path: Path) -> None:
    key = MAKE[kind]()
    (tmp_path / "private.pem").write_bytes(key.as_pem(private=True))
    (tmp_path / "challenge.txt").write_bytes(MESSAGE)
    printed = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    public = key.as_dict(private=False)
    assert is_signed_by(public, MESSAGE, printed)
    assert is_signed_by(public, MESSAGE, printed[:60] + "\r\n  " + printed[60:])
    assert not is_signed_by(public, MESSAGE + b"x", printed)
    assert not is_signed_by(MAKE[kind]().as_dict(private=False), MESSAGE, printed)


def test_the_plain_form_of_a_browser_is_a_proof_too() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    r, s = utils.decode_dss_signature(private.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))
    plain = base64.b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()
    assert is_signed_by(ECKey.import_key(pem).as_dict(private=False), MESSAGE, plain)


@pytest.mark.parametrize("signature", ["", " ", "x", "é", "=" * 8, "AAAA", "A" * 88, "A" * 9000, "\x00"])
@pytest.mark.parametrize("kind", MAKE)
def test_what_is_no_signature_is_no_proof(kind: str, signature: str) -> None:
    assert not is_signed_by(MAKE[kind]().as_dict(private=False), MESSAGE, signature)
