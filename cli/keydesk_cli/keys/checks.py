"""Local verdict on a public key or certificate: the main rules of Keydesk's upload, with the codes of its refusals.

Keydesk checks more when the key is registered (weak generators, chains, keys of other clients), so an acceptance here
is no promise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from keydesk_cli.errors import Refused
from keydesk_cli.keys import jose
from keydesk_cli.keys.jwks import key_of, parse

MAX_BYTES = 64 * 1024
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
MIN_EXPONENT = 65537
_SECRETS = (b"private key", b"private-key:", b"begin pkcs12", b"putty-user-key-file")
_SECRET_MEMBER = re.compile(rb'"(d|p|q|dp|dq|qi|oth|priv)"\s*:')
_SHARED_MEMBER = re.compile(rb'"k"\s*:')
_PKCS12 = re.compile(rb"\A\x30[\x80-\x84].{1,4}?\x02\x01\x03\x30", re.DOTALL)
_PRIVATE_DER = re.compile(rb"\A\x30[\x80-\x84]?.{1,4}?\x02\x01[\x00\x01](\x30|\x04|\x02[\x40-\x84])", re.DOTALL)
_FOREIGN = {
    "pkcs7": re.compile(rb"-----BEGIN (PKCS7|PKCS #7 SIGNED DATA|CMS)-----"),
    "certificate_request": re.compile(rb"-----BEGIN (NEW )?CERTIFICATE REQUEST-----"),
    "public_key": re.compile(rb"-----BEGIN (RSA |EC )?PUBLIC KEY-----"),
    "trusted_certificate": re.compile(rb"-----BEGIN TRUSTED CERTIFICATE-----"),
    "ssh_public_key": re.compile(rb"\A\s*(ssh-|ecdsa-sha2-|sk-)"),
    "pgp_key": re.compile(rb"-----BEGIN PGP"),
    "html": re.compile(rb"\A\s*<"),
}
LEAKED = "Treat the key as leaked if this file left your machine, and give Keydesk its public half only"
WORDS = {
    "private_key_material": f"The file holds a private key. {LEAKED}.",
    "symmetric_key": f"The file holds a shared, symmetric key. {LEAKED}.",
    "pkcs12": f"This is a PKCS#12 file, which also holds the private key. {LEAKED}.",
    "empty": "The file is empty.",
    "too_large": f"The file has more than {MAX_BYTES} bytes.",
    "pkcs7": "This is a PKCS#7 file. Convert it: openssl pkcs7 -in FILE -print_certs -out certificate.pem",
    "certificate_request": "This is a certificate signing request. Keydesk takes the certificate that is made from it.",
    "public_key": "This is a public key on its own. It must be in a certificate or a JSON Web Key.",
    "trusted_certificate": "This is OpenSSL's TRUSTED format. Convert it: openssl x509 -in FILE -out certificate.pem",
    "ssh_public_key": "This is an SSH key. Keydesk takes a certificate or a JSON Web Key.",
    "pgp_key": "This is a PGP key. Keydesk takes a certificate or a JSON Web Key.",
    "html": "This is a web page or XML.",
    "unknown_format": "This is neither a certificate nor a JSON Web Key.",
    "malformed_certificate": "The certificate is damaged.",
    "weak_signature": "The certificate is signed with an outdated algorithm. SHA-256 or better is wanted.",
    "bad_signature": "The certificate is self-signed, and its signature is wrong.",
    "wrong_key_usage": "The keyUsage of the certificate lacks digitalSignature.",
    "unsupported_key": "Keydesk takes RSA, EC P-256, P-384 and P-521, and Ed25519.",
    "rsa_too_small": f"The RSA key has fewer than {MIN_RSA_BITS} bits.",
    "rsa_too_large": f"The RSA key has more than {MAX_RSA_BITS} bits.",
    "rsa_bad_exponent": f"The exponent of the RSA key must be odd and {MIN_EXPONENT} or more.",
}


def check(data: bytes, *, now: datetime) -> list[dict[str, Any]]:
    """Return the facts of each key in a file. Raises Refused."""
    _refuse_secrets(data)
    if len(data) > MAX_BYTES:
        raise refused("too_large")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise refused("empty")
    if data.lstrip().startswith((b"{", b"[")):
        return [_facts_of_jwk(jwk) for jwk in parse(data)]
    return [_facts_of_certificate(_certificate(data), now)]


def refused(code: str, message: str = "", **facts: Any) -> Refused:
    return Refused(code, message or WORDS[code], **facts)


def _refuse_secrets(data: bytes) -> None:
    lower = data.replace(b"\0", b"").lower()
    if any(sign in lower for sign in _SECRETS) or _PRIVATE_DER.match(data):
        raise refused("private_key_material")
    if b'"kty"' in lower:
        if _SECRET_MEMBER.search(data):
            raise refused("private_key_material")
        if _SHARED_MEMBER.search(data):
            raise refused("symmetric_key")
    if _PKCS12.match(data):
        raise refused("pkcs12")


def _certificate(data: bytes) -> x509.Certificate:
    try:
        if b"-----BEGIN CERTIFICATE-----" in data:
            return x509.load_pem_x509_certificates(data)[0]
        for code, pattern in _FOREIGN.items():
            if pattern.search(data):
                raise refused(code)
        if not data.startswith(b"\x30"):
            raise refused("unknown_format")
        return x509.load_der_x509_certificate(data)
    except ValueError:
        raise refused("malformed_certificate") from None


def _facts_of_certificate(certificate: x509.Certificate, now: datetime) -> dict[str, Any]:
    try:
        key, ends = _checked(certificate, now), certificate.not_valid_after_utc
    except Refused:
        raise
    except Exception:  # the library documents no closed list of errors for hostile certificates
        raise refused("malformed_certificate") from None
    der = certificate.public_bytes(serialization.Encoding.DER)
    return {
        "kind": "certificate",
        "kid": jose.b64(_sha1(der)),
        **_facts_of_key(key),
        "subject": certificate.subject.rfc4514_string(),
        "not_after": ends.isoformat(),
    }


def _checked(certificate: x509.Certificate, now: datetime) -> jose.PublicKey:
    """Return the key of a certificate that is good for an upload. Raises Refused."""
    if now > certificate.not_valid_after_utc:
        ended = certificate.not_valid_after_utc.isoformat()
        raise refused("expired", f"The certificate ended on {ended}.", not_after=ended)
    if now < certificate.not_valid_before_utc:
        begins = certificate.not_valid_before_utc.isoformat()
        raise refused("not_yet_valid", f"The certificate is valid from {begins} on.", not_before=begins)
    digest = certificate.signature_hash_algorithm
    if digest is not None and digest.name not in ("sha224", "sha256", "sha384", "sha512"):
        raise refused("weak_signature")
    key = supported(certificate.public_key())
    if certificate.subject == certificate.issuer:
        try:
            certificate.verify_directly_issued_by(certificate)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            raise refused("bad_signature") from None
    usages = [each.value for each in certificate.extensions if isinstance(each.value, x509.KeyUsage)]
    if usages and not usages[0].digital_signature:
        raise refused("wrong_key_usage")
    return key


def supported(key: object) -> jose.PublicKey:
    """Return the key if it is of a kind and size that Keydesk takes. Raises Refused."""
    if not isinstance(key, jose.PublicKey) or not jose.algorithms_of(key):
        raise refused("unsupported_key")
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        if key.key_size < MIN_RSA_BITS:
            raise refused("rsa_too_small", bits=key.key_size)
        if key.key_size > MAX_RSA_BITS:
            raise refused("rsa_too_large", bits=key.key_size)
        if exponent < MIN_EXPONENT or exponent % 2 == 0:
            raise refused("rsa_bad_exponent")
    return key


def _facts_of_jwk(jwk: Mapping[str, Any]) -> dict[str, Any]:
    key = supported(key_of(jwk))
    facts = _facts_of_key(key)
    algorithm = jwk.get("alg")
    if algorithm is not None and algorithm not in facts["algorithms"]:
        fitting = ", ".join(facts["algorithms"])
        raise refused("wrong_alg", f"The alg of the key does not fit it. Fitting: {fitting}.", algorithms=fitting)
    return {"kind": "jwk", "kid": jwk.get("kid") or facts["thumbprint"], **facts}


def _facts_of_key(key: jose.PublicKey) -> dict[str, Any]:
    return {"thumbprint": jose.thumbprint(key), "algorithms": list(jose.algorithms_of(key))}


def _sha1(data: bytes) -> bytes:
    """Return the digest that names a certificate (x5t); it proves nothing."""
    return hashlib.sha1(data, usedforsecurity=False).digest()
