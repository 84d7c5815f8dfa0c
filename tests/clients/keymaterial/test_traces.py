"""Keys found in a pasted text, whatever they are wrapped in."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey

from clients.keymaterial.traces import MAX_LENGTH, Trace, traces
from tests.support import keys
from tests.support.clock import seconds_taken

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KEYS = {"RSA": (RSA, RSAKey), "EC": (EC, ECKey), "Ed25519": (ED, OKPKey)}
FORMATS = [
    (kind, form)
    for kind in KEYS
    for form in (ser.PrivateFormat.PKCS8, ser.PrivateFormat.TraditionalOpenSSL, ser.PrivateFormat.OpenSSH)
    if (kind, form) != ("Ed25519", ser.PrivateFormat.TraditionalOpenSSL)  # there is none
]


def jwk(kind: str):
    key, cls = KEYS[kind]
    return cls.import_key(pem(key, ser.PrivateFormat.PKCS8))


def pem(key, form: ser.PrivateFormat, encryption: ser.KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(ser.Encoding.PEM, form, encryption or ser.NoEncryption()).decode()


def public_pem(key) -> str:
    return key.public_key().public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(("kind", "form"), FORMATS)
def test_a_private_key_is_known_by_its_public_half(kind: str, form: ser.PrivateFormat) -> None:
    text = pem(KEYS[kind][0], form)
    for pasted in (text, text.replace("\n", ""), f"in ci.log: {text} \nand more", text.replace("\n", "\r\n")):
        assert traces(pasted) == [Trace(is_private=True, thumbprint=jwk(kind).thumbprint())]


@pytest.mark.parametrize("kind", KEYS)
def test_a_json_web_key_and_a_set_of_them(kind: str) -> None:
    private, public = jwk(kind).as_dict(private=True), jwk(kind).as_dict(private=False)
    thumbprint = jwk(kind).thumbprint()
    assert traces(json.dumps(private)) == [Trace(True, thumbprint)]
    assert traces(f"KEY='{json.dumps(public, indent=1)}' # note") == [Trace(False, thumbprint)]
    assert traces(json.dumps({"keys": [private, public]})) == [Trace(True, thumbprint), Trace(False, thumbprint)]


@pytest.mark.parametrize("kind", KEYS)
def test_der_in_base64_without_the_lines_around_it(kind: str) -> None:
    der = KEYS[kind][0].private_bytes(ser.Encoding.DER, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    for text in (base64.b64encode(der), base64.urlsafe_b64encode(der).rstrip(b"="), base64.encodebytes(der)):
        assert traces(f'"{text.decode()}"') == [Trace(True, jwk(kind).thumbprint())]


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_a_certificate_and_a_public_key(kind: str) -> None:
    expected = [Trace(False, jwk(kind).thumbprint())]
    certificate = keys.certificate_pem(KEYS[kind][0]).decode()
    assert traces(certificate) == traces(public_pem(KEYS[kind][0])) == expected
    assert traces("".join(certificate.splitlines()[1:-1])) == expected


def test_a_key_and_its_certificate_in_one_file() -> None:
    text = pem(EC, ser.PrivateFormat.PKCS8) + keys.certificate_pem(EC).decode()
    assert set(traces(text)) == {Trace(True, jwk("EC").thumbprint()), Trace(False, jwk("EC").thumbprint())}


UNREADABLE = {
    "encrypted": pem(RSA, ser.PrivateFormat.PKCS8, ser.BestAvailableEncryption(b"pass")),
    "encrypted, traditional": pem(RSA, ser.PrivateFormat.TraditionalOpenSSL, ser.BestAvailableEncryption(b"pass")),
    "cut off": pem(RSA, ser.PrivateFormat.PKCS8)[:400],
    "made up": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    "half a JWK": '{"kty": "RSA", "n": "x", "d": "Q2Z0-7rXvG8pYlM1aBcDe"',
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_private_key_that_cannot_be_read_is_told_to_be_there(text: str) -> None:
    assert traces(text) == [Trace(is_private=True)]


@pytest.mark.parametrize("text", ["", "rubbish", "kds_x", '{"a": 1}', "{" * 9, '{"kty": ["RSA"]}', "M" * 99, "é{}"])
def test_other_texts_have_none(text: str) -> None:
    assert traces(text) == []


@pytest.mark.parametrize(
    "unit", ["-----BEGIN PRIVATE KEY-----", "{", "[{", "M", "MA==\n", "eyJ", '{"kty":"RSA",', "\0"]
)
def test_no_text_takes_long(unit: str) -> None:
    text = (unit * MAX_LENGTH)[:MAX_LENGTH]
    assert seconds_taken(lambda: traces(text)) < 0.2
