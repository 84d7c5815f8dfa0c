"""Keys, certificates and chains made when a test needs them, and the shortest way to a verdict."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from clients import keymaterial
from clients.keymaterial import KeyRefused, PublicKey
from clients.keymaterial.encoding import base64url_encode

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SHA256 = hashes.SHA256()
CA = x509.BasicConstraints(ca=True, path_length=None)

type Digest = hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | hashes.SHA3_256
type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
type Extensions = Iterable[tuple[x509.ExtensionType, bool]]


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A slow thing to make, so one per name."""
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(name: str, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


@cache
def ed_key(name: str) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def accepted(data: bytes | Mapping[str, object], *, kind: str | None = None, now: datetime = NOW) -> PublicKey:
    (key,) = keymaterial.read(_bytes(data), now=now, kind=kind)
    return key


def refused(data: bytes | Mapping[str, object], *, kind: str | None = None, now: datetime = NOW) -> KeyRefused:
    with pytest.raises(KeyRefused) as caught:
        keymaterial.read(_bytes(data), now=now, kind=kind)
    return caught.value


def _bytes(data: bytes | Mapping[str, object]) -> bytes:
    return data if isinstance(data, bytes) else json.dumps(data).encode()


# --- JSON Web Keys ----------------------------------------------------------------------------------------------------


def unsigned(number: int) -> str:
    return base64url_encode(number.to_bytes((number.bit_length() + 7) // 8))


def rsa_jwk(n: int | None = None, e: int = 65537, **members: Any) -> dict[str, object]:
    n = n or rsa_key("a").public_key().public_numbers().n
    return {"kty": "RSA", "n": unsigned(n), "e": unsigned(e), **members}


def ec_jwk(name: str = "a", **members: Any) -> dict[str, object]:
    numbers = ec_key(name).public_key().public_numbers()
    x, y = (base64url_encode(number.to_bytes(32)) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, **members}


def ed_jwk(encoded: bytes | None = None, **members: Any) -> dict[str, object]:
    encoded = encoded or ed_key("a").public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(encoded), **members}


# --- Certificates -----------------------------------------------------------------------------------------------------


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(
    key: PrivateKey | None = None,
    *,
    subject: x509.Name | None = None,
    issuer: x509.Name | None = None,
    signed_by: PrivateKey | None = None,
    extensions: Extensions = (),
    not_before: datetime = NOW - timedelta(days=1),
    not_after: datetime = NOW + timedelta(days=365),
    digest: Digest | None = SHA256,
) -> x509.Certificate:
    """Self-signed unless told otherwise."""
    key = key or ec_key("a")
    subject = subject or common_name("api.leiestroom.example")
    signer = signed_by or key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else digest)


def certificate_for(public: rsa.RSAPublicKey) -> x509.Certificate:
    """For a key whose private half nobody has; its issuer is not uploaded."""
    builder = (
        x509.CertificateBuilder(public_key=public)
        .subject_name(common_name("api.leiestroom.example"))
        .issuer_name(common_name("Citadel Sub-CA G4"))
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    return builder.sign(ec_key("ca"), SHA256)


def key_usage(*names: str) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in names for name in every.split()})


def chain(depth: int = 3) -> list[x509.Certificate]:
    """A leaf, its issuers, and a self-signed root, leaf first; each signed with a P-256 key of its own."""
    root = certificate(ec_key("root"), subject=common_name("Root"), extensions=[(CA, True)])
    found = [root]
    signer, issuer = ec_key("root"), root.subject
    for level in range(depth - 2):
        name = common_name(f"Authority {level}")
        key = ec_key(f"authority {level}")
        found.insert(0, certificate(key, subject=name, issuer=issuer, signed_by=signer, extensions=[(CA, True)]))
        signer, issuer = key, name
    return [certificate(issuer=issuer, signed_by=signer), *found]


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
