"""Key pairs and certificates, made when a test needs them; the private half is for signing in tests."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, RSAKey

from clients import keymaterial
from clients.keymaterial import PublicKey
from tests.support.factories import NOW

type PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def new_ec() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk_of(private: PrivateKey, **members: object) -> dict[str, object]:
    """The public JWK, with more members when given."""
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    kind = ECKey if isinstance(private, ec.EllipticCurvePrivateKey) else RSAKey
    return {**kind.import_key(pem).as_dict(private=False), **members}


def pem_of(private: PrivateKey) -> bytes:
    """The private half, as openssl writes it."""
    pkcs8, no = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, pkcs8, no)


def public_key(private: PrivateKey | None = None, **members: object) -> PublicKey:
    """A JWK as the upload reads it."""
    jwk = jwk_of(private or new_ec(), **members)
    jwk.pop("kid", None) if "kid" not in members else None
    (key,) = keymaterial.read(json.dumps(jwk).encode(), now=NOW)
    return key


def certificate_pem(
    private: PrivateKey | None = None, *, days: int = 365, now: datetime = NOW, not_after: datetime | None = None
) -> bytes:
    """A self-signed certificate that began yesterday and ends in `days` days, or at `not_after`."""
    private = private or new_ec()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api.leiestroom.example")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(not_after or now + timedelta(days=days))
        .sign(private, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def certificate(private: PrivateKey | None = None, *, days: int = 365) -> PublicKey:
    (key,) = keymaterial.read(certificate_pem(private, days=days), now=NOW)
    return key
