"""Certificates: one leaf, or a chain that starts with it (PROTOCOL K-27; RFC 5280)."""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import PublicKeyAlgorithmOID, SignatureAlgorithmOID

from clients.keymaterial.arithmetic import rsa
from clients.keymaterial.arithmetic.curves import CURVES
from clients.keymaterial.der import certificate_fields
from clients.keymaterial.encoding import base64url_encode, shown_name
from clients.keymaterial.errors import KeyRefused, numbered
from clients.keymaterial.key import KeyFacts, check_key

MAX_CERTIFICATES = 10
_MAX_SERIAL_BITS = 160
_SHA2 = ("sha224", "sha256", "sha384", "sha512")
_CURVE_NAMES = {curve.group.name: crv for crv, curve in CURVES.items()}
_KEY_ALGORITHMS = ("RSAES_PKCS1_v1_5", "EC_PUBLIC_KEY", "ED25519", "ED448")
_OBJECT_IDENTIFIER = b"\x06"  # the DER tag of a named curve
_UNCOMPRESSED = b"\x04"  # the first byte of a point in full coordinates (RFC 5480 section 2.2)


@dataclass(frozen=True)
class CertificateFacts:
    """The content of a certificate.

    `subject` and `issuer` are RFC 4514 names, escaped for showing; `serial` is hex; times are aware UTC; `x5t` and
    `x5t_s256` are base64url SHA-1 and SHA-256 of `der`, `sha1_hex` the former in upper-case hex; `chain` holds the DER
    of the issuers that were uploaded with it, nearest first.
    """

    der: bytes
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    x5t: str
    x5t_s256: str
    sha1_hex: str
    chain: tuple[bytes, ...]
    self_signed: bool
    signature_algorithm: str


def check_certificates(ders: Sequence[bytes], *, now: datetime) -> tuple[CertificateFacts, KeyFacts]:
    """Return the facts of the first certificate of a leaf-first chain, and of its key. Raises KeyRefused."""
    count = len(ders)
    if count > MAX_CERTIFICATES:
        raise KeyRefused("too_many_certificates", count=count, limit=MAX_CERTIFICATES)
    chain = []
    for position, der in enumerate(ders, start=1):
        with _link(position, count):
            chain.append(_load(der))
            _check_validity(chain[-1], now)
    _check_signatures(chain)
    for position, issuer in enumerate(chain[1:], start=2):
        with _link(position, count):
            _check_issuer(issuer, intermediates=position - 2)
    with numbered(1, count):
        _check_key_usage(chain[0])
        key = check_key(public_members(chain[0].public_key()))
    return _facts(chain[0], ders), key


def _link(position: int, count: int) -> AbstractContextManager[None]:
    """Add to a refusal inside the block which certificate of a chain it is about, and that issuers can be left out."""
    return numbered(position, count, leave_out="issuers" if position > 1 else "")


def thumbprints(der: bytes) -> tuple[bytes, bytes]:
    """Return SHA-1 and SHA-256 of a certificate. SHA-1 names a certificate, proves nothing (RFC 7517 4.8, 4.9)."""
    return hashlib.sha1(der, usedforsecurity=False).digest(), hashlib.sha256(der).digest()


def _load(der: bytes) -> x509.Certificate:
    """Parse a certificate with all parts that are read later. Raises KeyRefused."""
    try:
        fields = certificate_fields(der)
    except (IndexError, ValueError):
        raise KeyRefused("malformed_certificate") from None
    if fields.serial <= 0 or fields.serial.bit_length() > _MAX_SERIAL_BITS:
        raise KeyRefused("bad_serial")
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Names and times are parsed on first use.
        shown_name(certificate.subject), shown_name(certificate.issuer), _validity(certificate)
    except Exception:  # the library documents no closed list of errors for hostile input
        raise KeyRefused("malformed_certificate") from None
    if fields.outer_algorithm != fields.inner_algorithm:
        raise KeyRefused("malformed_certificate")
    _check_extensions(certificate)
    is_ec = certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.EC_PUBLIC_KEY
    if is_ec and not fields.key_parameters.startswith(_OBJECT_IDENTIFIER):
        raise KeyRefused("explicit_curve_params")
    if is_ec and not fields.key.startswith(_UNCOMPRESSED):
        raise KeyRefused("compressed_point")
    public_key = _load_public_key(certificate)
    if isinstance(public_key, RSAPublicKey):
        # Before any signature is verified with the key, because an oversized one would make that slow.
        numbers = public_key.public_numbers()
        rsa.check_size(numbers.n, numbers.e)
    return certificate


def _check_extensions(certificate: x509.Certificate) -> None:
    try:
        extensions = certificate.extensions
    except x509.DuplicateExtension:
        raise KeyRefused("duplicate_extension") from None
    except Exception:  # no closed list, as above
        raise KeyRefused("malformed_extension") from None
    for extension in extensions:
        # The poison marks a precertificate, and is critical so that nobody uses one (RFC 6962 section 3.1).
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension | x509.PrecertPoison):
            raise KeyRefused("unknown_critical_extension", oid=extension.oid.dotted_string)


def _load_public_key(certificate: x509.Certificate) -> CertificatePublicKeyTypes:
    algorithm = _name(certificate.public_key_algorithm_oid, PublicKeyAlgorithmOID)
    if algorithm not in _KEY_ALGORITHMS:
        raise KeyRefused("unsupported_key", algorithm=algorithm)
    try:
        return certificate.public_key()
    except UnsupportedAlgorithm:
        raise KeyRefused("unsupported_key", algorithm=algorithm) from None
    except Exception:  # no closed list, as above
        raise KeyRefused("malformed_certificate") from None


def _name(oid: x509.ObjectIdentifier, names: type) -> str:
    """Return the name in the library's list `names` of an object identifier, like RSA_WITH_SHA256."""
    known = (name for name, value in vars(names).items() if value == oid and not name.startswith("_"))
    return next(known, oid.dotted_string)


def _validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _check_validity(certificate: x509.Certificate, now: datetime) -> None:
    not_before, not_after = _validity(certificate)
    if now > not_after:
        raise KeyRefused("expired", not_after=not_after)
    if now < not_before:
        raise KeyRefused("not_yet_valid", not_before=not_before)


def _check_signatures(chain: Sequence[x509.Certificate]) -> None:
    """Check that each certificate is signed by the next, and the last, if self-issued, by itself. Raises KeyRefused."""
    count = len(chain)
    for position, (certificate, issuer) in enumerate(pairwise(chain), start=1):
        with _link(position, count):
            _check_signature_algorithm(certificate)
            if not _is_signed_by(certificate, issuer):
                raise KeyRefused("broken_chain")
    last = chain[-1]
    is_root = count > 1 and last.subject == last.issuer
    # A root is trusted by its key, not its signature (RFC 5280 section 6.1), which is often still SHA-1.
    if is_root and not _has_strong_signature(last):
        return
    with _link(count, count):
        _check_signature_algorithm(last)
        if last.subject == last.issuer and not _is_signed_by(last, last):
            raise KeyRefused("bad_signature")


def _check_signature_algorithm(certificate: x509.Certificate) -> None:
    if not _has_strong_signature(certificate):
        raise KeyRefused("weak_signature", algorithm=_name(certificate.signature_algorithm_oid, SignatureAlgorithmOID))


def _has_strong_signature(certificate: x509.Certificate) -> bool:
    if certificate.signature_algorithm_oid in (SignatureAlgorithmOID.ED25519, SignatureAlgorithmOID.ED448):
        return True
    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    return digest is not None and digest.name in _SHA2


def _is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _check_issuer(certificate: x509.Certificate, *, intermediates: int) -> None:
    """Check that it may issue, with so many intermediates below (RFC 5280 section 6.1.4 k to n). Raises KeyRefused."""
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise KeyRefused("issuer_not_ca")
    if constraints.path_length is not None and constraints.path_length < intermediates:
        raise KeyRefused("issuer_not_ca")


def _check_key_usage(certificate: x509.Certificate) -> None:
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise KeyRefused("wrong_key_usage")


def _extension[T: x509.ExtensionType](certificate: x509.Certificate, kind: type[T]) -> T | None:
    return next((extension.value for extension in certificate.extensions if isinstance(extension.value, kind)), None)


def public_members(key: CertificatePublicKeyTypes) -> dict[str, str]:
    """Return the required JWK members for a certificate's key (RFC 7518 section 6, RFC 8037 section 2)."""
    if isinstance(key, RSAPublicKey):
        rsa_numbers = key.public_numbers()
        return {"kty": "RSA", "n": _unsigned(rsa_numbers.n), "e": _unsigned(rsa_numbers.e)}
    if isinstance(key, EllipticCurvePublicKey):
        crv = _CURVE_NAMES.get(key.curve.name)
        if crv is None:
            raise KeyRefused("unsupported_curve", crv=key.curve.name)
        ec_numbers, size = key.public_numbers(), CURVES[crv].size
        x, y = (base64url_encode(number.to_bytes(size)) for number in (ec_numbers.x, ec_numbers.y))
        return {"kty": "EC", "crv": crv, "x": x, "y": y}
    if isinstance(key, Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(key.public_bytes_raw())}
    raise KeyRefused("unsupported_key", algorithm="ED448")


def _unsigned(number: int) -> str:
    return base64url_encode(number.to_bytes((number.bit_length() + 7) // 8))


def _facts(leaf: x509.Certificate, ders: Sequence[bytes]) -> CertificateFacts:
    sha1, sha256 = thumbprints(ders[0])
    return CertificateFacts(
        der=ders[0],
        subject=shown_name(leaf.subject),
        issuer=shown_name(leaf.issuer),
        serial=f"{leaf.serial_number:x}",
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        x5t=base64url_encode(sha1),
        x5t_s256=base64url_encode(sha256),
        sha1_hex=sha1.hex().upper(),
        chain=tuple(ders[1:]),
        self_signed=leaf.subject == leaf.issuer and _is_signed_by(leaf, leaf),
        signature_algorithm=_name(leaf.signature_algorithm_oid, SignatureAlgorithmOID),
    )
